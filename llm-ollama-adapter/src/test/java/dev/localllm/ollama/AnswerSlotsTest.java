package dev.localllm.ollama;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.localllm.core.chat.ChatEvent;
import dev.localllm.core.failure.LlmException;
import dev.localllm.core.failure.LlmFailure.Overloaded;
import dev.localllm.ollama.simulator.Fault;
import dev.localllm.ollama.simulator.OllamaSimulator;
import dev.localllm.ollama.simulator.SimulatorSettings;
import io.netty.channel.embedded.EmbeddedChannel;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import reactor.core.Disposable;
import reactor.core.publisher.Flux;
import reactor.netty.Connection;
import reactor.util.retry.Retry;

class AnswerSlotsTest {

    private static final int SLOTS = 3;

    private final OllamaSimulator simulator = OllamaSimulator.start(SimulatorSettings.unpaced());
    private final Ollama ollama = new Ollama(
            Answers.settings(simulator.baseUrl(), Answers.PATIENCE, Answers.PATIENCE, SLOTS, Duration.ofMillis(1)),
            System::nanoTime);

    @AfterEach
    void nothingIsLeftOpen() {
        ollama.close();
        awaitOpen(0);
        simulator.close();
    }

    @Test
    void areFreedOnceAndWhenTheConnectionIsClosed() {
        AnswerSlots one = new AnswerSlots(1);
        AnswerSlots.Slot slot = one.take();
        EmbeddedChannel channel = new EmbeddedChannel();
        slot.uses(Connection.from(channel));

        slot.breakOff();
        assertThatExceptionOfType(LlmException.class).isThrownBy(one::take);
        channel.runPendingTasks();
        assertThat(channel.isOpen()).isFalse();

        one.take();
        slot.free();
        slot.breakOff();
        assertThatExceptionOfType(LlmException.class).isThrownBy(one::take);
    }

    @Test
    void closeAConnectionThatComesTooLate() {
        AnswerSlots.Slot slot = new AnswerSlots(1).take();
        EmbeddedChannel channel = new EmbeddedChannel();

        slot.breakOff();
        slot.uses(Connection.from(channel));

        assertThat(channel.isOpen()).isFalse();
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
                Answers.settings(simulator.baseUrl(), Answers.PATIENCE, Answers.PATIENCE, 1, Duration.ofSeconds(10)),
                System::nanoTime)) {
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
        for (int i = 0; i < 200; i++) {
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
            running.add(answerSoon().subscribe());
            awaitOpen(i + 1);
        }
        return running;
    }

    /** The simulator sees the end of an exchange a moment before its slot is free. */
    private Flux<List<ChatEvent>> answerSoon() {
        return answer().retryWhen(Retry.fixedDelay(1000, Duration.ofMillis(1))
                .filter(e -> e instanceof LlmException failed && failed.failure() instanceof Overloaded));
    }

    private Flux<List<ChatEvent>> answer() {
        return ollama.chatModel().stream(Answers.MODEL, Answers.question("Hello"));
    }

    private void awaitOpen(int expected) {
        simulator.openExchangesOverTime().filter(open -> open == expected).blockFirst(Answers.PATIENCE);
    }
}
