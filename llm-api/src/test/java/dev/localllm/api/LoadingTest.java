package dev.localllm.api;

import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.Level;
import dev.localllm.ollama.simulator.OllamaSimulator;
import dev.localllm.ollama.simulator.SimulatorSettings;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.function.Predicate;
import org.junit.jupiter.api.Test;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/** A model server that takes time to load a model, and one that others use, too. */
class LoadingTest {

    private static final Duration TIMEOUT = Duration.ofSeconds(20);
    private static final SimulatorSettings SLOW = SimulatorSettings.unpaced().withLoadTime(Duration.ofMillis(1500));
    private static final String[] ONE_PERMIT = {
        "--OLLAMA_NUM_PARALLEL=1", "--HEARTBEAT_INTERVAL=50ms", "--MODEL_NAME=simulator"
    };

    @Test
    void tellsThatAModelIsBeingLoaded() throws Exception {
        try (OllamaSimulator simulator = OllamaSimulator.start(SLOW);
                TestServer server = new TestServer(simulator.baseUrl(), ONE_PERMIT);
                RawRequest cold = RawRequest.chat(server.uri("/"), true, "Answer in 3 tokens")) {
            assertThat(cold.readAll()).contains(": loading model=simulator\n\n", "data: [DONE]");
            try (RawRequest warm = RawRequest.chat(server.uri("/"), true, "Answer in 3 tokens")) {
                assertThat(warm.readAll()).contains("data: [DONE]").doesNotContain("loading");
            }
            String usage = server.post(
                            "/v1/chat/completions", "{\"messages\":[{\"role\":\"user\",\"content\":\"Hello\"}]}")
                    .body();
            assertThat(usage).contains("\"load_time\":0.002,");
        }
    }

    @Test
    void doesNotAbortALoadThatOthersWaitFor() throws Exception {
        try (OllamaSimulator simulator = OllamaSimulator.start(SLOW);
                TestServer server = new TestServer(simulator.baseUrl(), ONE_PERMIT)) {
            RawRequest leaves = RawRequest.chat(server.uri("/"), true, "Hello");
            assertThat(leaves.readUntil(": loading model=simulator")).isTrue();
            try (RawRequest stays = RawRequest.chat(server.uri("/"), true, "Answer in 3 tokens")) {
                assertThat(stays.readUntil(": queue position=1 loading model=simulator\n\n"))
                        .isTrue();
                leaves.close();

                assertThat(stays.readAll()).contains("data: [DONE]");
                assertThat(simulator.loads()).isOne();
            }
        }
    }

    @Test
    void abortsALoadThatNobodyWaitsFor() throws Exception {
        try (OllamaSimulator simulator = OllamaSimulator.start(SLOW.withLoadTime(Duration.ofHours(1)));
                TestServer server = new TestServer(simulator.baseUrl(), ONE_PERMIT)) {
            RawRequest leaves = RawRequest.chat(server.uri("/"), true, "Hello");
            assertThat(leaves.readUntil(": loading model=simulator")).isTrue();

            leaves.close();

            simulator.openExchangesOverTime().filter(open -> open == 0).blockFirst(TIMEOUT);
        }
    }

    @Test
    void loadsTheDefaultModelAfterEachStartOfTheModelServer() throws Exception {
        OllamaSimulator first = OllamaSimulator.start(SimulatorSettings.unpaced());
        int port = first.baseUrl().getPort();
        try (TestServer server = new TestServer(
                        first.baseUrl(), "--ALLOWED_MODELS=alias=simulator", "--MODEL_NAME=alias", "--WARM_UP=true");
                CapturedLog log = new CapturedLog("dev.localllm.api.lifecycle.ModelWatch", Level.WARN)) {
            await(() -> loaded(first), models -> models.contains("\"context_length\":8192"));
            first.close();
            await(() -> log.messages().toString(), messages -> messages.contains("doesn't list its loaded models"));
            try (OllamaSimulator second = OllamaSimulator.start(new SimulatorSettings(port, 0))) {
                await(() -> loaded(second), models -> models.contains("\"context_length\":8192"));
                assertThat(second.chats()).isZero();

                load(second, 512); // another client of the model server

                await(() -> server.get("/health/ready").body(), ready -> ready.contains("512 tokens instead of 8192"));
                assertThat(server.get("/health/ready").statusCode()).isEqualTo(200);
            }
        }
    }

    private interface Read {
        String read() throws Exception;
    }

    private static void await(Read read, Predicate<String> until) {
        Flux.interval(Duration.ZERO, Duration.ofMillis(20))
                .onBackpressureDrop()
                .concatMap(tick -> Mono.fromCallable(read::read))
                .filter(until)
                .blockFirst(TIMEOUT);
    }

    private static String loaded(OllamaSimulator simulator) throws Exception {
        return send(HttpRequest.newBuilder(simulator.baseUrl().resolve("/api/ps")));
    }

    private static void load(OllamaSimulator simulator, int contextTokens) throws Exception {
        URI chat = simulator.baseUrl().resolve("/api/chat");
        send(HttpRequest.newBuilder(chat)
                .POST(HttpRequest.BodyPublishers.ofString("{\"model\":\"simulator\",\"messages\":[],\"options\":{"
                        + "\"num_ctx\":" + contextTokens + "}}")));
    }

    private static String send(HttpRequest.Builder request) throws Exception {
        try (HttpClient client = HttpClient.newHttpClient()) {
            return client.send(request.timeout(TIMEOUT).build(), HttpResponse.BodyHandlers.ofString())
                    .body();
        }
    }
}
