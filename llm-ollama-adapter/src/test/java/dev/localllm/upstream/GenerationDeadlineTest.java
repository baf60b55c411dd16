package dev.localllm.upstream;

import static org.assertj.core.api.Assertions.assertThat;

import dev.localllm.core.chat.ChatEvent;
import dev.localllm.core.chat.ChatEvent.Finished;
import dev.localllm.core.chat.ChatEvent.TextDelta;
import dev.localllm.core.chat.FinishReason;
import dev.localllm.core.chat.JsonText;
import dev.localllm.core.chat.Timings;
import dev.localllm.core.chat.Usage;
import dev.localllm.core.failure.Deadline;
import dev.localllm.core.failure.LlmFailure.DeadlineExceeded;
import io.netty.channel.embedded.EmbeddedChannel;
import io.netty.util.concurrent.EventExecutor;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

/** Counts the timers of a generation. BreakerTest and ChatModelContract test their effects. */
class GenerationDeadlineTest {

    private static final Duration MINUTE = Duration.ofMinutes(1);
    private static final List<ChatEvent> WORD = List.of(new TextDelta(JsonText.of("word")));
    private static final List<ChatEvent> END =
            List.of(new Finished(FinishReason.STOP, new Usage(1, null, 1), Timings.ZERO));

    private final EmbeddedChannel channel = new EmbeddedChannel();
    private final AtomicInteger timers = new AtomicInteger();

    @Test
    void takesOneTimerHoweverManyEventsComeAndOneForTheEnd() {
        GenerationDeadline deadline = new GenerationDeadline(
                "the server", new UpstreamLimits(MINUTE, MINUTE, MINUTE, 1, MINUTE), System::nanoTime, eventLoop());
        deadline.start(Runnable::run, () -> {});

        for (int i = 0; i < 1000; i++) {
            deadline.onRequest(1);
            deadline.onEvents(WORD);
        }
        assertThat(timers).hasValue(1);
        deadline.onRequest(1);
        deadline.onEvents(END);
        assertThat(timers).hasValue(2);
        deadline.stop();

        assertThat(channel.runScheduledPendingTasks()).as("a timer").isEqualTo(-1);
        channel.finishAndReleaseAll();
    }

    @Test
    void allowsAsMuchTimeAgainAfterProgressWithoutEvents() {
        AtomicLong now = new AtomicLong();
        AtomicInteger expirations = new AtomicInteger();
        GenerationDeadline deadline = new GenerationDeadline(
                "the server", new UpstreamLimits(MINUTE, MINUTE, MINUTE, 1, MINUTE), now::get, channel.eventLoop());
        channel.freezeTime();
        deadline.start(Runnable::run, expirations::incrementAndGet);
        deadline.onRequest(1);

        advance(Duration.ofSeconds(50), now);
        deadline.onEvents(List.of());
        advance(Duration.ofSeconds(50), now);
        assertThat(expirations).hasValue(0);
        advance(Duration.ofSeconds(10), now);
        assertThat(expirations).hasValue(1);
        assertThat(deadline.failure().failure())
                .isInstanceOfSatisfying(
                        DeadlineExceeded.class,
                        failure -> assertThat(failure.deadline()).isEqualTo(Deadline.IDLE));
        channel.finishAndReleaseAll();
    }

    private void advance(Duration time, AtomicLong now) {
        now.addAndGet(time.toNanos());
        channel.advanceTimeBy(time.toNanos(), TimeUnit.NANOSECONDS);
        channel.runScheduledPendingTasks();
    }

    /** An event loop that counts its timers. */
    private EventExecutor eventLoop() {
        EventExecutor real = channel.eventLoop();
        return (EventExecutor) Proxy.newProxyInstance(
                EventExecutor.class.getClassLoader(),
                new Class<?>[] {EventExecutor.class},
                (proxy, method, arguments) -> {
                    if (method.getName().startsWith("schedule")) {
                        timers.incrementAndGet();
                    }
                    try {
                        return method.invoke(real, arguments);
                    } catch (InvocationTargetException e) {
                        throw e.getCause();
                    }
                });
    }
}
