package dev.localllm.ollama;

import static org.assertj.core.api.Assertions.assertThat;

import dev.localllm.core.catalog.ModelId;
import dev.localllm.core.embedding.EmbeddingExchange;
import dev.localllm.core.embedding.EmbeddingRequest;
import dev.localllm.core.embedding.Embeddings;
import dev.localllm.core.failure.Deadline;
import dev.localllm.core.failure.LlmException;
import dev.localllm.core.failure.LlmFailure;
import dev.localllm.core.failure.LlmFailure.DeadlineExceeded;
import dev.localllm.core.failure.LlmFailure.InputTooLong;
import dev.localllm.core.failure.LlmFailure.InvalidRequest;
import dev.localllm.core.failure.LlmFailure.UnknownModel;
import dev.localllm.core.failure.LlmFailure.UnsupportedByModel;
import dev.localllm.core.failure.LlmFailure.UpstreamFailed;
import dev.localllm.core.failure.LlmFailure.UpstreamProtocol;
import dev.localllm.core.failure.LlmFailure.UpstreamUnavailable;
import dev.localllm.ollama.simulator.Fault;
import dev.localllm.ollama.simulator.OllamaSimulator;
import dev.localllm.ollama.simulator.SimulatorSettings;
import java.net.URI;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import reactor.core.Disposable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

class OllamaEmbeddingsTest {

    private static final ModelId MODEL = new ModelId("simulator-embed");

    private final OllamaSimulator simulator = OllamaSimulator.start(SimulatorSettings.unpaced());
    private final Ollama ollama = new Ollama(Answers.settings(simulator.baseUrl()), System::nanoTime);

    @AfterEach
    void assertNothingIsOpen() {
        ollama.close();
        awaitOpen(0);
        simulator.close();
    }

    @ParameterizedTest
    @CsvSource({"06-embed-string, 1,", "06-embed-array, 2,", "06-embed-dimensions, 1, 8", "06-embed-too-long, 1,"})
    void decodesTheSameAsAnotherParser(String name, int inputs, @Nullable Integer dimensions) {
        Recording recording = Recording.load(name);
        JsonNode json = JsonMapper.shared().readTree(recording.body());
        try (CannedServer server = new CannedServer(recording.response());
                Ollama canned = new Ollama(Answers.settings(server.baseUrl()), System::nanoTime)) {
            Embeddings embeddings = embed(canned, Collections.nCopies(inputs, "a"), dimensions);

            assertThat(embeddings.vectors()).hasSize(json.path("embeddings").size());
            for (int i = 0; i < inputs; i++) {
                List<Float> expected = new ArrayList<>();
                json.path("embeddings").get(i).forEach(number -> expected.add(Float.parseFloat(number.asString())));
                assertThat(embeddings.vectors().get(i)).containsExactly(expected.toArray(Float[]::new));
            }
            assertThat(embeddings.promptTokens())
                    .isEqualTo(json.path("prompt_eval_count").asInt());
            assertThat(embeddings.work())
                    .isEqualTo(Duration.ofNanos(json.path("total_duration").asLong()
                            - json.path("load_duration").asLong()));
        }
    }

    static Stream<Arguments> refusals() {
        return Stream.of(
                Arguments.of("06-embed-chat-model", UnsupportedByModel.class),
                Arguments.of("06-embed-unknown-model", UnknownModel.class),
                Arguments.of("06-embed-too-long-no-truncate", InputTooLong.class),
                Arguments.of("06-embed-array-mixed", InvalidRequest.class),
                Arguments.of("06-embed-number", InvalidRequest.class),
                Arguments.of("06-embed-malformed", InvalidRequest.class),
                Arguments.of("06-embed-empty-string", UpstreamProtocol.class),
                Arguments.of("06-embed-empty-array", UpstreamProtocol.class),
                Arguments.of("10-queue-full-503", UpstreamUnavailable.class),
                Arguments.of("07-unknown-path", UpstreamProtocol.class));
    }

    @ParameterizedTest
    @MethodSource("refusals")
    void mapsEveryRefusalToAFailure(String name, Class<? extends LlmFailure> expected) {
        try (CannedServer server = new CannedServer(Recording.load(name).response());
                Ollama canned = new Ollama(Answers.settings(server.baseUrl()), System::nanoTime)) {
            LlmFailure failure = failure(canned, MODEL);

            assertThat(failure).isInstanceOf(expected);
            assertThat(failure.message()).isNotBlank().doesNotContain("{\"error\"");
        }
    }

    @Test
    void sendsWhatEveryRequestHas() {
        Recording recording = Recording.load("06-embed-dimensions");
        try (CannedServer server = new CannedServer(recording.response());
                Ollama canned = new Ollama(Answers.settings(server.baseUrl()), System::nanoTime)) {
            embed(canned, List.of("안녕 \"you\""), 8);

            String request = server.request();
            assertThat(request).startsWith("POST /api/embed HTTP/1.1");
            assertThat(JsonMapper.shared().readTree(request.substring(request.indexOf("\r\n\r\n") + 4)))
                    .isEqualTo(JsonMapper.shared().readTree("""
                            {"model":"simulator-embed","input":["안녕 \\"you\\""],"truncate":false,"keep_alive":"300s",
                            "options":{"num_ctx":8192},"dimensions":8}"""));
        }
    }

    @Test
    void sendsNoDimensionsOfItsOwn() {
        try (CannedServer server =
                        new CannedServer(Recording.load("06-embed-string").response());
                Ollama canned = new Ollama(Answers.settings(server.baseUrl()), System::nanoTime)) {
            embed(canned, List.of("a"), null);

            assertThat(server.request()).doesNotContain("dimensions");
        }
    }

    static Stream<Arguments> faults() {
        return Stream.of(
                Arguments.of(new Fault.Refuses(500, "llama runner process has terminated"), UpstreamFailed.class),
                Arguments.of(new Fault.Refuses(503, "server busy"), UpstreamUnavailable.class),
                Arguments.of(new Fault.SendsError(0), UpstreamFailed.class),
                Arguments.of(new Fault.SendsGarbage(0), UpstreamProtocol.class),
                Arguments.of(new Fault.EndsEarly(0), UpstreamProtocol.class),
                Arguments.of(new Fault.Drops(0), UpstreamProtocol.class),
                Arguments.of(new Fault.CutsLine(0), UpstreamProtocol.class));
    }

    @ParameterizedTest
    @MethodSource("faults")
    void reportsTheFault(Fault fault, Class<? extends LlmFailure> expected) {
        simulator.script(fault);

        assertThat(failure(ollama, MODEL)).isInstanceOf(expected);
        assertThat(embed(ollama, List.of("a"), null).vectors()).hasSize(1);
    }

    @ParameterizedTest
    @MethodSource("faults")
    void opensTheCircuitOfAModelThatFailsTooOften(Fault fault) {
        simulator.breakModel("simulator-embed", fault);
        for (int i = 0; i < 20; i++) {
            failure(ollama, MODEL);
        }
        int embeds = simulator.embeds();

        assertThat(failure(ollama, MODEL))
                .isInstanceOfSatisfying(
                        UpstreamUnavailable.class,
                        f -> assertThat(f.detail())
                                .isEqualTo("The circuit of model 'simulator-embed:latest' is open."));
        assertThat(simulator.embeds()).isEqualTo(embeds);
    }

    @Test
    void failsIfTheResponseIsNotCompleteInTime() {
        Duration given = Duration.ofMillis(300);
        OllamaSettings settings =
                Answers.settings(simulator.baseUrl(), given, Answers.TIMEOUT, 1, Duration.ofSeconds(10));
        try (Ollama impatient = new Ollama(settings, System::nanoTime)) {
            for (Fault fault : List.of(new Fault.NeverAnswers(), new Fault.Stalls(0), new Fault.Stalls(1))) {
                simulator.script(fault);

                assertThat(failure(impatient, MODEL))
                        .isInstanceOfSatisfying(
                                DeadlineExceeded.class,
                                f -> assertThat(f.deadline()).isEqualTo(Deadline.FIRST_TOKEN));
                awaitOpen(0);
            }
        }
    }

    @Test
    void closesTheExchangeWhenItIsCancelled() {
        for (Fault fault : List.of(new Fault.NeverAnswers(), new Fault.Stalls(0), new Fault.Stalls(1))) {
            simulator.script(fault);
            EmbeddingExchange exchange = ollama.embeddingModel().open(MODEL, new EmbeddingRequest(List.of("a"), null));
            AtomicInteger closed = new AtomicInteger();
            Disposable request = exchange.embeddings().subscribe(value -> {}, error -> {});
            exchange.closed().subscribe(nothing -> {}, error -> {}, closed::incrementAndGet);
            awaitOpen(1);
            assertThat(closed).hasValue(0);

            request.dispose();

            awaitOpen(0);
            exchange.closed().block(Answers.TIMEOUT);
        }
    }

    /** A permit that is given back late is a permit too few. */
    @Test
    void isClosedBeforeItsValueArrives() {
        for (int i = 0; i < 50; i++) {
            EmbeddingExchange exchange = ollama.embeddingModel().open(MODEL, new EmbeddingRequest(List.of("a"), null));
            AtomicInteger closed = new AtomicInteger();
            exchange.embeddings()
                    .doOnSubscribe(
                            s -> exchange.closed().subscribe(nothing -> {}, fault -> {}, closed::incrementAndGet))
                    .block(Answers.TIMEOUT);
            assertThat(closed).hasValue(1);
        }
    }

    @Test
    void reportsThatNobodyListens() {
        URI nobody = URI.create("http://127.0.0.1:1");
        try (Ollama absent = new Ollama(Answers.settings(nobody), System::nanoTime)) {
            assertThat(failure(absent, MODEL)).isInstanceOf(UpstreamUnavailable.class);
        }
    }

    private static Embeddings embed(Ollama ollama, List<String> inputs, @Nullable Integer dimensions) {
        return ollama.embeddingModel()
                .open(MODEL, new EmbeddingRequest(inputs, dimensions))
                .embeddings()
                .blockOptional(Answers.TIMEOUT)
                .orElseThrow();
    }

    private static LlmFailure failure(Ollama ollama, ModelId model) {
        try {
            Embeddings embeddings = ollama.embeddingModel()
                    .open(model, new EmbeddingRequest(List.of("a"), null))
                    .embeddings()
                    .block(Answers.TIMEOUT);
            throw new AssertionError("no failure but " + embeddings);
        } catch (LlmException e) {
            return e.failure();
        }
    }

    private void awaitOpen(int expected) {
        simulator.openExchangesOverTime().filter(open -> open == expected).blockFirst(Answers.TIMEOUT);
    }
}
