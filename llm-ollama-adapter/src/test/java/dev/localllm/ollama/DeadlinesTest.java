package dev.localllm.ollama;

import static org.assertj.core.api.Assertions.assertThat;

import dev.localllm.core.failure.Deadline;
import dev.localllm.core.failure.LlmFailure.DeadlineExceeded;
import dev.localllm.ollama.simulator.Fault;
import dev.localllm.ollama.simulator.OllamaSimulator;
import dev.localllm.ollama.simulator.SimulatorSettings;
import java.net.URI;
import java.time.Duration;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import reactor.test.StepVerifier;

class DeadlinesTest {

    private static final Duration SHORT = Duration.ofMillis(300);

    private final OllamaSimulator simulator = OllamaSimulator.start(SimulatorSettings.unpaced());

    @AfterEach
    void assertNothingIsOpen() {
        simulator.openExchangesOverTime().filter(open -> open == 0).blockFirst(Answers.TIMEOUT);
        simulator.close();
    }

    @Test
    void endsAnAnswerWithoutAFirstToken() {
        simulator.script(new Fault.NeverAnswers());

        Answers answer = answer(SHORT, Answers.TIMEOUT);

        assertThat(answer.events()).isEmpty();
        assertThat(answer.failure()).isEqualTo(deadline(Deadline.FIRST_TOKEN, answer));
    }

    @Test
    void endsASilentAnswer() {
        simulator.script(new Fault.Stalls(2));

        Answers answer = answer(Answers.TIMEOUT, SHORT);

        assertThat(answer.events()).hasSize(2);
        assertThat(answer.failure()).isEqualTo(deadline(Deadline.IDLE, answer));
    }

    @Test
    void allowsMoreTimeForTheFirstToken() {
        simulator.script(new Fault.SlowHeaders(SHORT.multipliedBy(3)));

        assertThat(answer(Answers.TIMEOUT, SHORT).failure()).isNull();
    }

    @Test
    void allowsALongAnswerThatIsNeverSilent() {
        Duration second = Duration.ofSeconds(1);
        try (OllamaSimulator slow = OllamaSimulator.start(SimulatorSettings.atPace(10))) {
            Answers answer = answer(slow.baseUrl(), second, second, "Answer in 12 tokens");

            assertThat(answer.failure()).isNull();
            assertThat(answer.events()).hasSize(13);
        }
    }

    @Test
    void doesNotBlameOllamaForASlowSubscriber() {
        try (Ollama ollama = new Ollama(
                Answers.settings(simulator.baseUrl(), Answers.TIMEOUT, SHORT, 16, Duration.ofSeconds(10)),
                System::nanoTime)) {
            StepVerifier.create(
                            ollama.chatModel()
                                    .open(Answers.MODEL, Answers.question("Answer in 3000 tokens"))
                                    .events(),
                            1)
                    .expectNextCount(1)
                    .thenAwait(SHORT.multipliedBy(4))
                    .thenRequest(1)
                    .expectNextCount(1)
                    .thenAwait(SHORT.multipliedBy(4))
                    .thenRequest(Long.MAX_VALUE)
                    .thenConsumeWhile(events -> true)
                    .expectComplete()
                    .verify(Answers.TIMEOUT);
        }
    }

    private Answers answer(Duration firstToken, Duration idle) {
        return answer(simulator.baseUrl(), firstToken, idle, "Hello");
    }

    private static Answers answer(URI baseUrl, Duration firstToken, Duration idle, String question) {
        try (Ollama ollama =
                new Ollama(Answers.settings(baseUrl, firstToken, idle, 16, Duration.ofSeconds(10)), System::nanoTime)) {
            return Answers.from(ollama, question);
        }
    }

    private static DeadlineExceeded deadline(Deadline deadline, Answers answer) {
        return new DeadlineExceeded(deadline, answer.failure().message());
    }
}
