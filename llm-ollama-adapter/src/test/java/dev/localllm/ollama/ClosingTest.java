package dev.localllm.ollama;

import static org.assertj.core.api.Assertions.assertThat;

import dev.localllm.core.chat.Generation;
import dev.localllm.core.failure.LlmException;
import dev.localllm.ollama.simulator.Fault;
import dev.localllm.ollama.simulator.OllamaSimulator;
import dev.localllm.ollama.simulator.SimulatorSettings;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import reactor.core.Disposable;
import reactor.test.StepVerifier;

/** Compares the exchanges that the simulator sees with {@link Generation#closed}. */
class ClosingTest {

    private static final int CONCURRENT = 3;

    private final OllamaSimulator simulator = OllamaSimulator.start(SimulatorSettings.unpaced());
    private final Ollama ollama = new Ollama(
            Answers.settings(simulator.baseUrl(), Answers.TIMEOUT, Answers.TIMEOUT, CONCURRENT, Duration.ofMillis(1)),
            System::nanoTime);

    @AfterEach
    void assertNothingIsOpen() {
        ollama.close();
        awaitOpen(0);
        simulator.close();
    }

    @Test
    void opensNoExchangeBeforeSubscription() {
        Generation generation = open();

        awaitClosed(generation);

        assertThat(simulator.chats()).isZero();
    }

    /** A count of open exchanges must never be too high. */
    @Test
    void isClosedBeforeItsAnswerIsComplete() {
        for (int i = 0; i < 200; i++) {
            Generation generation = open();
            AtomicInteger closed = new AtomicInteger();
            generation
                    .events()
                    .doOnSubscribe(
                            s -> generation.closed().subscribe(nothing -> {}, fault -> {}, closed::incrementAndGet))
                    .blockLast(Answers.TIMEOUT);
            assertThat(closed).hasValue(1);
        }
    }

    @Test
    void isClosedAfterEveryKindOfEnd() {
        List<Fault> ends = List.of(
                new Fault.None(),
                new Fault.SendsError(1),
                new Fault.SendsGarbage(1),
                new Fault.EndsEarly(1),
                new Fault.Drops(1),
                new Fault.CutsLine(1),
                new Fault.Refuses(404, "model 'simulator' not found"));
        for (Fault end : ends) {
            for (int i = 0; i < CONCURRENT; i++) {
                simulator.script(end);
                Generation generation = open();
                generation.events().onErrorComplete(LlmException.class).blockLast(Answers.TIMEOUT);
                awaitClosed(generation);
                awaitOpen(0);
            }
            assertThat(Answers.from(ollama, "Hello").failure()).isNull();
        }
    }

    /**
     * After {@code closed} completes, the server soon sees the closed connection, too. The closed connection does not
     * count as a failure of the model.
     */
    @Test
    void isClosedAfterCancels() {
        List<Throwable> faults = new CopyOnWriteArrayList<>();
        for (int i = 0; i < 200; i++) {
            for (Fault phase : List.of(new Fault.NeverAnswers(), new Fault.Stalls(2))) {
                List<Generation> generations = new ArrayList<>();
                List<Disposable> running = new ArrayList<>();
                for (int n = 0; n < CONCURRENT; n++) {
                    simulator.script(phase);
                    Generation generation = open();
                    generations.add(generation);
                    running.add(generation.events().subscribe(events -> {}, faults::add));
                    awaitOpen(n + 1);
                }
                running.forEach(Disposable::dispose);
                generations.forEach(this::awaitClosed);
                awaitOpen(0);
                assertThat(faults).isEmpty();
            }
        }
    }

    private Generation open() {
        return ollama.chatModel().open(Answers.MODEL, Answers.question("Answer in 3 tokens"));
    }

    private void awaitClosed(Generation generation) {
        StepVerifier.create(generation.closed()).expectComplete().verify(Answers.TIMEOUT);
    }

    private void awaitOpen(int expected) {
        simulator.openExchangesOverTime().filter(open -> open == expected).blockFirst(Answers.TIMEOUT);
    }
}
