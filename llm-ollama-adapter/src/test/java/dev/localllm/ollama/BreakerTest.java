package dev.localllm.ollama;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.localllm.core.catalog.ModelId;
import dev.localllm.core.chat.ChatRequest;
import dev.localllm.core.chat.GenerationOptions;
import dev.localllm.core.chat.Message;
import dev.localllm.core.chat.ResponseFormat;
import dev.localllm.core.chat.Role;
import dev.localllm.core.chat.Thinking;
import dev.localllm.core.chat.ToolChoice;
import dev.localllm.core.failure.LlmException;
import dev.localllm.core.failure.LlmFailure;
import dev.localllm.core.failure.LlmFailure.InvalidRequest;
import dev.localllm.core.failure.LlmFailure.UpstreamFailed;
import dev.localllm.core.failure.LlmFailure.UpstreamUnavailable;
import dev.localllm.ollama.simulator.Fault;
import dev.localllm.ollama.simulator.OllamaSimulator;
import dev.localllm.ollama.simulator.SimulatorSettings;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import reactor.core.Disposable;
import reactor.netty.http.HttpResources;

class BreakerTest {

    private static final int ENOUGH = 20;
    private static final Duration OPEN = Duration.ofSeconds(10);
    private static final ModelId BAD = new ModelId("bad");

    private static final ChatRequest WITH_A_CALL = new ChatRequest(
            List.of(new Message(Role.USER, "Hello")),
            GenerationOptions.DEFAULTS,
            List.of(),
            new ToolChoice.Required(),
            true,
            new ResponseFormat.Text(),
            Thinking.MODEL_DEFAULT);

    private final OllamaSimulator simulator = OllamaSimulator.start(SimulatorSettings.unpaced());
    private final AtomicLong nanoTime = new AtomicLong();

    @AfterEach
    void close() {
        awaitOpen(0);
        simulator.close();
    }

    static Stream<Fault> failures() {
        return Stream.of(
                new Fault.Refuses(500, "llama runner process has terminated"),
                new Fault.Refuses(503, "server busy"),
                new Fault.SendsError(0),
                new Fault.SendsError(3),
                new Fault.SendsGarbage(0),
                new Fault.EndsEarly(1),
                new Fault.Drops(2),
                new Fault.NeverAnswers());
    }

    @ParameterizedTest
    @MethodSource("failures")
    void stopsRequestsToAModelThatFailsTooOften(Fault fault) {
        try (Ollama ollama = ollama(Duration.ofMillis(200))) {
            for (int i = 0; i < ENOUGH; i++) {
                simulator.clearFaults();
                simulator.script(fault);
                Answers.from(ollama, "Hello");
            }
            int asked = simulator.chats();

            assertThat(Answers.from(ollama, "Hello").failure())
                    .isEqualTo(new UpstreamUnavailable("The circuit of model 'simulator:latest' is open.", OPEN));
            assertThat(simulator.chats()).isEqualTo(asked).isLessThan(ENOUGH);
        }
    }

    static Stream<Fault> doesNotAffectOtherModels() {
        return Stream.of(new Fault.Refuses(500, "no"), new Fault.Refuses(503, "busy"));
    }

    @ParameterizedTest
    @MethodSource
    void doesNotAffectOtherModels(Fault fault) {
        simulator.breakModel(BAD.value(), fault);
        try (Ollama ollama = ollama(Answers.TIMEOUT)) {
            repeat(ollama, ENOUGH);

            assertThat(Answers.from(ollama, BAD, "Hello").failure())
                    .isEqualTo(new UpstreamUnavailable("The circuit of model 'bad:latest' is open.", OPEN));
            for (int i = 0; i < ENOUGH; i++) {
                assertThat(Answers.from(ollama, "Hello").failure()).isNull();
            }
        }
    }

    @Test
    void countsNeitherRefusalsNorCancels() {
        try (Ollama ollama = ollama(Answers.TIMEOUT)) {
            simulator.breakModel(BAD.value(), new Fault.Refuses(400, "\"bad\" does not support thinking"));
            repeat(ollama, ENOUGH);
            simulator.breakModel(BAD.value(), new Fault.NeverAnswers());
            for (int i = 0; i < ENOUGH; i++) {
                Disposable leaving = ollama.chatModel()
                        .open(BAD, Answers.question("Hello"))
                        .events()
                        .subscribe();
                awaitOpen(1);
                leaving.dispose();
                awaitOpen(0);
            }
            simulator.clearFaults();
            assertThat(Answers.from(ollama, BAD, "Hello").failure()).isInstanceOf(LlmFailure.UnknownModel.class);
        }
    }

    @Test
    void isNotTestedByARequestThatIsNotSent() {
        simulator.breakModel(BAD.value(), new Fault.Refuses(500, "no"));
        try (Ollama ollama = ollama(Answers.TIMEOUT)) {
            repeat(ollama, ENOUGH);
            pass(OPEN);

            assertThatThrownBy(() -> ollama.chatModel().open(BAD, WITH_A_CALL))
                    .isInstanceOfSatisfying(
                            LlmException.class, e -> assertThat(e.failure()).isInstanceOf(InvalidRequest.class));

            assertThat(Answers.from(ollama, BAD, "Hello").failure()).isInstanceOf(UpstreamFailed.class);
            assertThat(Answers.from(ollama, BAD, "Hello").failure()).isInstanceOf(UpstreamUnavailable.class);
        }
    }

    @Test
    void servesOtherModelsWhileATrialCallLoadsItsModel() {
        try (Ollama ollama = ollama(Answers.TIMEOUT)) {
            simulator.breakModel(BAD.value(), new Fault.Refuses(500, "no"));
            repeat(ollama, ENOUGH);
            pass(OPEN);
            simulator.breakModel(BAD.value(), new Fault.NeverAnswers());
            Disposable loading = ollama.chatModel()
                    .open(BAD, Answers.question("Hello"))
                    .events()
                    .subscribe();
            awaitOpen(1);

            assertThat(Answers.from(ollama, BAD, "Hello").failure())
                    .isEqualTo(new UpstreamUnavailable("The circuit of model 'bad:latest' is open."));
            for (int i = 0; i < ENOUGH; i++) {
                assertThat(Answers.from(ollama, "Hello").failure()).isNull();
            }
            loading.dispose();
        }
    }

    /** The first-token deadline ends a trial call that hangs, and the circuit opens again. */
    @Test
    void opensAgainWhenTheTrialCallHangs() {
        simulator.breakModel(BAD.value(), new Fault.NeverAnswers());
        try (Ollama ollama = ollama(Duration.ofMillis(200))) {
            repeat(ollama, ENOUGH);
            pass(OPEN);

            assertThat(Answers.from(ollama, BAD, "Hello").failure()).isInstanceOf(LlmFailure.DeadlineExceeded.class);
            assertThat(Answers.from(ollama, BAD, "Hello").failure())
                    .isEqualTo(new UpstreamUnavailable("The circuit of model 'bad:latest' is open.", OPEN));
        }
    }

    @Test
    void probesAnUnreachableServerWithItsVersion() {
        int port = freePort();
        try (Ollama ollama = ollama("http://127.0.0.1:" + port, Answers.TIMEOUT)) {
            repeat(ollama, ENOUGH);
            assertThat(Answers.from(ollama, "Hello").failure())
                    .isEqualTo(new UpstreamUnavailable("The circuit of Ollama is open.", OPEN));
            pass(OPEN);
            assertThat(Answers.from(ollama, "Hello").failure())
                    .isEqualTo(new UpstreamUnavailable("The circuit of Ollama is open.", OPEN));
            pass(OPEN);
            try (AskedServer server = AskedServer.start(port)) {
                Disposable waiting = ollama.chatModel()
                        .open(Answers.MODEL, Answers.question("Hello"))
                        .events()
                        .subscribe(events -> {}, fault -> {});
                server.awaitAsked("/api/version");

                assertThat(Answers.from(ollama, BAD, "Hello").failure())
                        .isEqualTo(new UpstreamUnavailable("The circuit of Ollama is open."));
                assertThat(server.asked()).containsExactly("/api/version");

                server.answerVersion();
                server.awaitAsked("/api/chat");
                assertThat(server.asked()).containsExactly("/api/version", "/api/chat");
                waiting.dispose();
            }
        }
    }

    @Test
    void limitsAProbeByTheConnectTimeout() {
        int port = freePort();
        try (Ollama ollama = ollama("http://127.0.0.1:" + port, Answers.TIMEOUT)) {
            repeat(ollama, ENOUGH);
            pass(OPEN);
            try (AskedServer silent = AskedServer.start(port)) {
                assertThat(Answers.from(ollama, "Hello").failure())
                        .isEqualTo(new UpstreamUnavailable("The circuit of Ollama is open.", OPEN));
                assertThat(silent.asked()).containsExactly("/api/version");
            }
        }
    }

    @Test
    void acceptsALastLineWithoutALineBreak() {
        byte[] answer = ("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{\"model\":\"tiny\",\"message\":"
                        + "{\"role\":\"assistant\",\"content\":\"Hi\"},\"done\":true,\"done_reason\":\"stop\"}")
                .getBytes(StandardCharsets.UTF_8);
        try (CannedServer server = new CannedServer(answer);
                Ollama ollama = ollama(server.baseUrl().toString(), Answers.TIMEOUT)) {
            for (int i = 0; i < ENOUGH; i++) {
                assertThat(Answers.from(ollama, "Hello").failure()).isNull();
            }
        }
    }

    private Ollama ollama(Duration firstToken) {
        return ollama(simulator.baseUrl().toString(), firstToken);
    }

    private Ollama ollama(String url, Duration firstToken) {
        return new Ollama(
                Answers.settings(URI.create(url), firstToken, Answers.TIMEOUT, 16, OPEN),
                System::nanoTime,
                HttpResources.get(),
                nanoTime::get);
    }

    private void repeat(Ollama ollama, int times) {
        for (int i = 0; i < times; i++) {
            Answers.from(ollama, BAD, "Hello");
        }
    }

    private void pass(Duration time) {
        nanoTime.addAndGet(time.toNanos() + 1);
    }

    private void awaitOpen(int expected) {
        simulator.openExchangesOverTime().filter(open -> open == expected).blockFirst(Answers.TIMEOUT);
    }

    private static int freePort() {
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            return socket.getLocalPort();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
