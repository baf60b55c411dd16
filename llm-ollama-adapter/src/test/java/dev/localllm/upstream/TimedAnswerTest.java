package dev.localllm.upstream;

import static org.assertj.core.api.Assertions.assertThat;

import dev.localllm.core.chat.ChatEvent;
import dev.localllm.core.chat.ChatEvent.Finished;
import dev.localllm.core.chat.ChatEvent.TextDelta;
import dev.localllm.core.chat.FinishReason;
import dev.localllm.core.chat.JsonText;
import dev.localllm.core.chat.Timings;
import dev.localllm.core.chat.Usage;
import dev.localllm.core.failure.LlmException;
import dev.localllm.core.failure.LlmFailure.DeadlineExceeded;
import io.netty.channel.embedded.EmbeddedChannel;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import reactor.core.publisher.Flux;
import reactor.netty.Connection;
import reactor.test.StepVerifier;
import reactor.test.publisher.TestPublisher;

/** The ends of an answer, and what the exchange is told. DeadlinesTest has a real server. */
class TimedAnswerTest {

    private static final Duration TIMEOUT = Duration.ofSeconds(5);
    private static final Duration MINUTE = Duration.ofMinutes(1);
    private static final List<ChatEvent> WORD = List.of(new TextDelta(JsonText.of("word")));
    private static final List<ChatEvent> END =
            List.of(new Finished(FinishReason.STOP, new Usage(1, null, 1), Timings.ZERO));

    private final EmbeddedChannel channel = new EmbeddedChannel();
    private final EmbeddedChannel connection = new EmbeddedChannel();
    private final TestPublisher<List<ChatEvent>> source = TestPublisher.create();
    private final Exchange exchange = new Exchange();
    private final GenerationDeadline deadline = new GenerationDeadline(
            "Server",
            new UpstreamLimits(MINUTE, MINUTE, MINUTE, 1, MINUTE),
            () -> channel.eventLoop().ticker().nanoTime(),
            channel.eventLoop());

    @AfterEach
    void assertNoTimerIsLeft() {
        assertThat(channel.runScheduledPendingTasks()).as("a timer").isEqualTo(-1);
        channel.finishAndReleaseAll();
        connection.finishAndReleaseAll();
    }

    @Test
    void completesAndKeepsTheConnection() {
        StepVerifier.create(answer())
                .then(() -> next(WORD))
                .expectNext(WORD)
                .then(() -> next(END))
                .expectNext(END)
                .then(source::complete)
                .expectComplete()
                .verify(TIMEOUT);
        assertClosed(true);
    }

    @Test
    void failsAndClosesTheConnection() {
        StepVerifier.create(answer())
                .then(() -> source.error(new IOException("no")))
                .expectErrorMessage("no")
                .verify(TIMEOUT);
        assertClosed(false);
    }

    @Test
    void isCompleteDespiteAFaultAfterTheLastEvent() {
        StepVerifier.create(answer())
                .then(() -> next(END))
                .expectNext(END)
                .then(() -> source.error(new IOException("no")))
                .expectComplete()
                .verify(TIMEOUT);
        assertClosed(true);
    }

    @Test
    void failsWhenItsDeadlineExpires() {
        StepVerifier.create(answer())
                .then(() -> pass(MINUTE))
                .expectErrorSatisfies(
                        fault -> assertThat(((LlmException) fault).failure()).isInstanceOf(DeadlineExceeded.class))
                .verify(TIMEOUT);
        source.assertCancelled();
        assertClosed(false);
    }

    /** The timer may run on another event loop than the connection, which has not read the event yet. */
    @Test
    void goesOnIfAnEventArrivesBeforeTheExpiredDeadlineIsHandled() {
        List<Runnable> tasks = new ArrayList<>();
        List<String> expired = new ArrayList<>();
        deadline.start(tasks::add, () -> expired.add("expired"));
        deadline.onRequest(2);
        pass(MINUTE);
        deadline.onEvents(WORD);

        tasks.forEach(Runnable::run);
        assertThat(expired).isEmpty();

        pass(MINUTE);
        tasks.getLast().run();
        assertThat(expired).hasSize(1);
        deadline.stop();
    }

    @Test
    void completesAndClosesTheConnectionIfTheResponseDoesNotEndAfterTheLastEvent() {
        StepVerifier.create(answer())
                .then(() -> next(END))
                .expectNext(END)
                .then(() -> pass(Duration.ofSeconds(1)))
                .expectComplete()
                .verify(TIMEOUT);
        source.assertCancelled();
        assertClosed(false);
    }

    @Test
    void cancelsTheSource() {
        StepVerifier.create(answer()).thenCancel().verify(TIMEOUT);
        source.assertCancelled();
        assertClosed(false);
    }

    private Flux<List<ChatEvent>> answer() {
        Flux<List<ChatEvent>> connected =
                source.flux().doOnSubscribe(subscription -> exchange.connected(Connection.from(connection)));
        return exchange.guard(TimedAnswer.of(connected, deadline, exchange));
    }

    private void next(List<ChatEvent> events) {
        deadline.onEvents(events);
        source.next(events);
    }

    private void pass(Duration time) {
        channel.advanceTimeBy(time.toNanos(), TimeUnit.NANOSECONDS);
        channel.runScheduledPendingTasks();
    }

    private void assertClosed(boolean connectionOpen) {
        connection.runPendingTasks();
        StepVerifier.create(exchange.closed()).expectComplete().verify(TIMEOUT);
        assertThat(connection.isOpen()).isEqualTo(connectionOpen);
    }
}
