package dev.localllm.ollama;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.localllm.core.failure.LlmException;
import dev.localllm.core.failure.LlmFailure;
import dev.localllm.core.failure.LlmFailure.UpstreamFailed;
import dev.localllm.core.failure.LlmFailure.UpstreamUnavailable;
import dev.localllm.ollama.simulator.Fault;
import dev.localllm.ollama.simulator.OllamaSimulator;
import dev.localllm.ollama.simulator.SimulatorSettings;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import reactor.core.Disposable;
import reactor.core.publisher.Mono;
import reactor.netty.http.client.HttpClient;

class BreakerTest {

    private static final int ENOUGH = 20;
    private static final Duration LONG = Duration.ofMinutes(10);

    private final OllamaSimulator simulator = OllamaSimulator.start(SimulatorSettings.unpaced());

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
                new Fault.Drops(2),
                new Fault.NeverAnswers());
    }

    @ParameterizedTest
    @MethodSource("failures")
    void leavesAnOllamaAloneThatFailsTooOften(Fault fault) {
        try (Ollama ollama = ollama(LONG)) {
            repeat(ollama, fault, ENOUGH);
            int asked = simulator.chats();

            assertThat(Answers.from(ollama, "Hello").failure()).isInstanceOf(UpstreamUnavailable.class);
            assertThat(simulator.chats()).isEqualTo(asked).isLessThan(ENOUGH + 1);
        }
    }

    @Test
    void countsNeitherRefusalsNorLongAnswers() {
        try (Ollama ollama = ollama(LONG)) {
            repeat(ollama, new Fault.Refuses(404, "model 'simulator' not found"), ENOUGH);
            repeat(ollama, new Fault.Refuses(400, "\"simulator\" does not support thinking"), ENOUGH);

            assertThat(Answers.from(ollama, "Hello").failure()).isNull();
        }
    }

    @Test
    void countsNoCallerWhoLeaves() {
        try (Ollama ollama = ollama(LONG)) {
            for (int i = 0; i < ENOUGH; i++) {
                simulator.script(new Fault.NeverAnswers());
                Disposable leaving = ollama.chatModel().stream(Answers.MODEL, Answers.question("Hello"))
                        .subscribe();
                awaitOpen(1);
                leaving.dispose();
                awaitOpen(0);
            }
            assertThat(Answers.from(ollama, "Hello").failure()).isNull();
        }
    }

    @Test
    void letsOneTryAndThenAll() {
        try (Ollama ollama = ollama(Duration.ofMillis(200))) {
            repeat(ollama, new Fault.Refuses(500, "no"), ENOUGH / 2);
            int asked = simulator.chats();
            Mono.delay(Duration.ofMillis(250)).block();

            simulator.script(new Fault.NeverAnswers());
            Disposable probe = ollama.chatModel().stream(Answers.MODEL, Answers.question("Hello"))
                    .subscribe();
            awaitOpen(1);
            assertThat(Answers.from(ollama, "Hello").failure()).isInstanceOf(UpstreamUnavailable.class);
            probe.dispose();
            awaitOpen(0);
            assertThat(simulator.chats()).isEqualTo(asked + 1);

            for (int i = 0; i < ENOUGH; i++) {
                LlmFailure failure = Answers.from(ollama, "Hello").failure();
                assertThat(failure).isNull();
            }
        }
    }

    @Test
    void isNotMovedByWhatWasAskedBefore() {
        UpstreamBreaker breaker = UpstreamBreaker.of(Duration.ofMillis(50));
        List<UpstreamBreaker.Attempt> old =
                Stream.generate(breaker::attempt).limit(3).toList();
        open(breaker);
        UpstreamBreaker.Attempt probe = breaker.attempt();

        old.get(0).cancelled();
        old.get(1).answered();
        old.get(2).failed(new LlmException(new UpstreamFailed("no")));

        assertThatExceptionOfType(LlmException.class).isThrownBy(breaker::attempt);
        probe.answered();
        breaker.attempt();
        breaker.attempt();
    }

    @Test
    void takesALastLineWithoutItsEndForAnAnswer() {
        UpstreamBreaker breaker = UpstreamBreaker.of(Duration.ofMillis(50));
        open(breaker);
        byte[] answer = ("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{\"model\":\"tiny\",\"message\":"
                        + "{\"role\":\"assistant\",\"content\":\"Hi\"},\"done\":true,\"done_reason\":\"stop\"}")
                .getBytes(StandardCharsets.UTF_8);
        try (CannedServer server = new CannedServer(answer)) {
            OllamaChatModel model = new OllamaChatModel(
                    HttpClient.create().baseUrl(server.baseUrl().toString()),
                    Answers.settings(server.baseUrl()),
                    new AnswerSlots(1),
                    breaker,
                    System::nanoTime);
            model.stream(Answers.MODEL, Answers.question("Hello")).blockLast(Answers.PATIENCE);
        }
        breaker.attempt();
        breaker.attempt();
    }

    /** Failures until Ollama is left alone, and that time over. */
    private static void open(UpstreamBreaker breaker) {
        for (int i = 0; i < ENOUGH / 2; i++) {
            breaker.attempt().failed(new LlmException(new UpstreamFailed("no")));
        }
        assertThatExceptionOfType(LlmException.class).isThrownBy(breaker::attempt);
        Mono.delay(Duration.ofMillis(60)).block();
    }

    private Ollama ollama(Duration breakOff) {
        return new Ollama(
                Answers.settings(simulator.baseUrl(), Duration.ofMillis(200), Answers.PATIENCE, 16, breakOff),
                System::nanoTime);
    }

    private void repeat(Ollama ollama, Fault fault, int times) {
        int asked = simulator.chats();
        for (int i = 0; i < times; i++) {
            if (simulator.chats() == asked + i) {
                simulator.script(fault);
                Answers.from(ollama, "Hello");
            }
        }
    }

    private void awaitOpen(int expected) {
        simulator.openExchangesOverTime().filter(open -> open == expected).blockFirst(Answers.PATIENCE);
    }
}
