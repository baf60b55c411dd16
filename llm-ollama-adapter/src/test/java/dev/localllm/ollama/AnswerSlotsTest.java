package dev.localllm.ollama;

import static org.assertj.core.api.Assertions.assertThat;

import dev.localllm.core.chat.ChatEvent;
import dev.localllm.core.failure.LlmFailure.Overloaded;
import dev.localllm.ollama.simulator.Fault;
import dev.localllm.ollama.simulator.OllamaSimulator;
import dev.localllm.ollama.simulator.SimulatorSettings;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import reactor.core.Disposable;
import reactor.core.publisher.Flux;

class AnswerSlotsTest {

    private static final int SLOTS = 3;

    private final OllamaSimulator simulator = OllamaSimulator.start(SimulatorSettings.unpaced());
    private final Ollama ollama = new Ollama(
            Answers.settings(simulator.baseUrl(), Answers.PATIENCE, Answers.PATIENCE, SLOTS, Duration.ofMillis(1)));

    @AfterEach
    void nothingIsLeftOpen() {
        ollama.close();
        awaitOpen(0);
        simulator.close();
    }

    @Test
    void refusesOneMoreAtOnce() {
        List<Disposable> running = occupyAll(new Fault.NeverAnswers());

        for (int i = 0; i < 20; i++) {
            assertThat(Answers.from(ollama, "Hello").failure()).isInstanceOf(Overloaded.class);
        }

        running.forEach(Disposable::dispose);
        assertThat(simulator.chats()).isLessThanOrEqualTo(SLOTS);
    }

    @Test
    void answersOneAfterAnotherInOneSlot() {
        try (Ollama single = new Ollama(
                Answers.settings(simulator.baseUrl(), Answers.PATIENCE, Answers.PATIENCE, 1, Duration.ofSeconds(10)))) {
            for (int i = 0; i < 200; i++) {
                assertThat(Answers.from(single, "Answer in 3 tokens").failure()).isNull();
            }
        }
    }

    @Test
    void hasAllSlotsAgainAfterEveryKindOfEnd() {
        List<Fault> ends = List.of(
                new Fault.None(),
                new Fault.SendsError(1),
                new Fault.SendsGarbage(1),
                new Fault.EndsEarly(1),
                new Fault.Drops(1),
                new Fault.CutsLine(1),
                new Fault.Refuses(404, "model 'simulator' not found"));
        for (Fault end : ends) {
            for (int i = 0; i < SLOTS; i++) {
                simulator.script(end);
                Answers.from(ollama, "Hello");
                awaitOpen(0);
            }
            assertThat(Answers.from(ollama, "Hello").failure()).isNull();
        }
        occupyAll(new Fault.NeverAnswers()).forEach(Disposable::dispose);
    }

    @Test
    void hasAllSlotsAgainAfterCancels() {
        for (int i = 0; i < 10; i++) {
            occupyAll(new Fault.NeverAnswers()).forEach(Disposable::dispose);
            awaitOpen(0);
            occupyAll(new Fault.Stalls(2)).forEach(Disposable::dispose);
            awaitOpen(0);
        }
    }

    private List<Disposable> occupyAll(Fault fault) {
        List<Disposable> running = new ArrayList<>();
        for (int i = 0; i < SLOTS; i++) {
            simulator.script(fault);
            running.add(answer().subscribe());
            awaitOpen(i + 1);
        }
        return running;
    }

    private Flux<List<ChatEvent>> answer() {
        return ollama.chatModel().stream(Answers.MODEL, Answers.question("Hello"));
    }

    private void awaitOpen(int expected) {
        simulator.openExchangesOverTime().filter(open -> open == expected).blockFirst(Answers.PATIENCE);
    }
}
