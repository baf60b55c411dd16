package dev.localllm.ollama;

import static org.assertj.core.api.Assertions.assertThat;

import dev.localllm.core.chat.ChatEvent;
import dev.localllm.core.chat.ChatEvent.Finished;
import dev.localllm.core.chat.ChatRequest;
import dev.localllm.core.chat.GenerationOptions;
import dev.localllm.core.chat.Message;
import dev.localllm.core.chat.Role;
import dev.localllm.core.failure.LlmFailure;
import dev.localllm.core.failure.LlmFailure.UnknownModel;
import dev.localllm.core.failure.LlmFailure.UpstreamFailed;
import dev.localllm.core.failure.LlmFailure.UpstreamProtocol;
import dev.localllm.core.failure.LlmFailure.UpstreamUnavailable;
import dev.localllm.ollama.simulator.Fault;
import dev.localllm.ollama.simulator.OllamaSimulator;
import dev.localllm.ollama.simulator.SimulatorSettings;
import dev.localllm.ollama.simulator.Steps;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import reactor.core.publisher.Flux;
import reactor.test.StepVerifier;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

class OllamaFaultsTest {

    private final OllamaSimulator simulator = OllamaSimulator.start(SimulatorSettings.unpaced());
    private final Ollama ollama = new Ollama(Answers.settings(simulator.baseUrl()), System::nanoTime);

    @AfterEach
    void assertNothingIsOpen() {
        ollama.close();
        awaitOpenExchanges(0);
        simulator.close();
    }

    static Stream<Arguments> faults() {
        return Stream.of(
                Arguments.of(new Fault.SendsError(3), 3, UpstreamFailed.class),
                Arguments.of(new Fault.SendsError(0), 0, UpstreamFailed.class),
                Arguments.of(new Fault.SendsGarbage(2), 2, UpstreamProtocol.class),
                Arguments.of(new Fault.EndsEarly(4), 4, UpstreamProtocol.class),
                Arguments.of(new Fault.EndsEarly(0), 0, UpstreamProtocol.class),
                Arguments.of(new Fault.Drops(2), 2, UpstreamProtocol.class),
                Arguments.of(new Fault.CutsLine(2), 2, UpstreamProtocol.class),
                Arguments.of(new Fault.Refuses(404, "model 'simulator' not found"), 0, UnknownModel.class),
                Arguments.of(new Fault.Refuses(500, "llama runner process has terminated"), 0, UpstreamFailed.class),
                Arguments.of(
                        new Fault.Refuses(503, "server busy, please try again.  maximum pending requests exceeded"),
                        0,
                        UpstreamUnavailable.class));
    }

    @ParameterizedTest
    @MethodSource("faults")
    void deliversEarlierEventsAndReportsTheFault(Fault fault, int tokens, Class<? extends LlmFailure> expected) {
        simulator.script(fault);

        Answers answer = Answers.from(ollama, "Hello");

        assertThat(answer.events()).hasSize(tokens);
        assertThat(answer.failure()).isInstanceOf(expected);
    }

    @ParameterizedTest
    @MethodSource("faults")
    void treatsCompletionsTheSame(Fault fault, int tokens, Class<? extends LlmFailure> expected) {
        simulator.script(fault);

        Answers answer = Answers.from(ollama, Answers.completion("Hello", "bye"));

        assertThat(answer.events()).hasSize(tokens);
        assertThat(answer.failure()).isInstanceOf(expected);
    }

    /** A response with done is complete, whatever happens to the connection afterwards. */
    @Test
    void acceptsAResponseWithDoneAsComplete() {
        Recording recording = Recording.load("02-chat-num-predict-1");
        byte[] raw = recording.response();
        byte[] withoutLastChunk = Arrays.copyOf(raw, raw.length - "0\r\n\r\n".length());
        for (boolean ends : new boolean[] {true, false}) {
            try (CannedServer server = new CannedServer(withoutLastChunk, ends);
                    Ollama canned = new Ollama(Answers.settings(server.baseUrl()), System::nanoTime)) {
                Answers answer = Answers.from(canned, "Hi");

                assertThat(answer.failure()).isNull();
                assertThat(answer.events().getLast()).isInstanceOf(Finished.class);
            }
        }
    }

    @Test
    void toleratesSlowHeadersAndPauses() {
        simulator.script(new Fault.SlowHeaders(Duration.ofMillis(50)), new Fault.Pauses(2, Duration.ofMillis(50)));

        assertThat(Answers.from(ollama, "Hello").failure()).isNull();
        assertThat(Answers.from(ollama, "Hello").failure()).isNull();
    }

    @Test
    void answersAgainAfterAFault() {
        simulator.script(new Fault.Drops(1));

        assertThat(Answers.from(ollama, "Hello").failure()).isNotNull();
        assertThat(Answers.from(ollama, "Hello").failure()).isNull();
    }

    @Test
    void closesTheExchangeWhenCancelledBeforeTheHeaders() {
        simulator.script(new Fault.NeverAnswers());
        cancelWhenOpen(ollama.chatModel()
                .open(Answers.MODEL, Answers.question("Hello"))
                .events());
    }

    @Test
    void closesTheExchangeWhenCancelledDuringTheAnswer() {
        simulator.script(new Fault.Stalls(2));
        StepVerifier.create(ollama.chatModel()
                        .open(Answers.MODEL, Answers.question("Hello"))
                        .events())
                .expectNextCount(1)
                .thenCancel()
                .verify(Answers.TIMEOUT);
        awaitOpenExchanges(0);
    }

    @Test
    void deliversEachTokenBeforeTheNextIsSent() {
        Steps steps = simulator.hold();
        StepVerifier.create(
                        ollama.chatModel()
                                .open(Answers.MODEL, Answers.question("Answer in 5 tokens"))
                                .events(),
                        100)
                .then(() -> steps.release(1))
                .assertNext(OllamaFaultsTest::isOneToken)
                .then(() -> steps.release(1))
                .assertNext(OllamaFaultsTest::isOneToken)
                .then(() -> steps.release(1))
                .assertNext(OllamaFaultsTest::isOneToken)
                .then(() -> steps.release(1))
                .assertNext(OllamaFaultsTest::isOneToken)
                .then(() -> steps.release(1))
                .assertNext(OllamaFaultsTest::isOneToken)
                .then(() -> steps.release(1))
                .assertNext(events -> assertThat(events).singleElement().isInstanceOf(Finished.class))
                .expectComplete()
                .verify(Answers.TIMEOUT);
    }

    @Test
    void reportsAConnectionRefusal() throws IOException {
        URI closed;
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            closed = URI.create("http://127.0.0.1:" + socket.getLocalPort());
        }
        assertThat(Answers.from(closed).failure()).isInstanceOf(UpstreamUnavailable.class);
        assertThat(Ollama.responds(closed, Duration.ofSeconds(1)).block(Answers.TIMEOUT))
                .isFalse();
        assertThat(Ollama.responds(simulator.baseUrl(), Duration.ofSeconds(5)).block(Answers.TIMEOUT))
                .isTrue();
    }

    @Test
    void reportsAnUnknownHost() {
        assertThat(Answers.from(URI.create("http://no-such-host.invalid:11434")).failure())
                .isInstanceOf(UpstreamUnavailable.class);
    }

    @Test
    void sendsTruncateAndShiftFalse() {
        try (CannedServer server =
                        new CannedServer(Recording.load("02-chat-nonstream").response());
                Ollama canned = new Ollama(Answers.settings(server.baseUrl()), System::nanoTime)) {
            GenerationOptions options =
                    new GenerationOptions(0.5, 0.9, 40, 0.05, 1.1, 0.1, -0.2, 7, List.of("END"), 3L, 5);
            canned.chatModel()
                    .open(
                            Answers.MODEL,
                            new ChatRequest(
                                    List.of(new Message(Role.SYSTEM, "Be \"kind\"."), new Message(Role.USER, "안녕")),
                                    options))
                    .events()
                    .blockLast(Answers.TIMEOUT);

            String request = server.request();
            JsonNode body = JsonMapper.shared().readTree(request.substring(request.indexOf("\r\n\r\n") + 4));
            assertThat(request).startsWith("POST /api/chat HTTP/1.1");
            assertThat(body).isEqualTo(JsonMapper.shared().readTree("""
                                            {"model":"simulator","messages":[{"role":"system","content":"Be \\"kind\\"."},
                                            {"role":"user","content":"안녕"}],"stream":true,"truncate":false,"shift":false,
                                            "keep_alive":"300s","options":{"num_ctx":8192,"num_predict":7,"temperature":0.5,
                                            "top_p":0.9,"top_k":40,"min_p":0.05,"repeat_penalty":1.1,"stop":["END"],"seed":3,
                                            "frequency_penalty":0.1,"presence_penalty":-0.2},"logprobs":true,"top_logprobs":5}"""));
        }
    }

    private void cancelWhenOpen(Flux<List<ChatEvent>> answer) {
        StepVerifier.create(answer)
                .then(() -> awaitOpenExchanges(1))
                .thenCancel()
                .verify(Answers.TIMEOUT);
        awaitOpenExchanges(0);
    }

    private void awaitOpenExchanges(int expected) {
        simulator.openExchangesOverTime().filter(open -> open == expected).blockFirst(Answers.TIMEOUT);
    }

    private static void isOneToken(List<ChatEvent> events) {
        assertThat(events).singleElement().isInstanceOf(ChatEvent.TextDelta.class);
    }
}
