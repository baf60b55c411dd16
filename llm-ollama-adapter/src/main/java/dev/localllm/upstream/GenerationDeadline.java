package dev.localllm.upstream;

import dev.localllm.core.chat.ChatEvent;
import dev.localllm.core.chat.ChatEvent.Finished;
import dev.localllm.core.failure.Deadline;
import dev.localllm.core.failure.LlmException;
import dev.localllm.core.failure.LlmFailure.DeadlineExceeded;
import io.netty.util.concurrent.EventExecutor;
import io.netty.util.concurrent.Future;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Operators;

/**
 * First-token and idle deadlines of one generation. The clock is paused while downstream has no demand. The timer fires
 * only when a deadline may have expired; an event only stores the time. Thread-safe.
 */
final class GenerationDeadline {

    /** How long the server may take to end its response after the last event. */
    private static final Duration END_TIMEOUT = Duration.ofSeconds(1);

    private final String server;
    private final UpstreamLimits limits;
    private final LongSupplier clock;
    private final EventExecutor eventLoop;
    private Consumer<Runnable> answersLoop = Runnable::run;
    private Runnable onExpired = () -> {};
    private final AtomicLong demand = new AtomicLong();
    private volatile long lastEvent;
    private volatile boolean started;
    private volatile boolean finished;
    private volatile boolean stopped;
    private volatile @Nullable Future<?> timer;

    /**
     * @param server the model server's name in messages
     * @param clock in nanoseconds, as {@link System#nanoTime}
     * @param eventLoop runs the timers
     */
    GenerationDeadline(String server, UpstreamLimits limits, LongSupplier clock, EventExecutor eventLoop) {
        this.server = server;
        this.limits = limits;
        this.clock = clock;
        this.eventLoop = eventLoop;
        this.lastEvent = clock.getAsLong();
    }

    /**
     * Starts the timer. Called once, before the request is sent.
     *
     * @param answersLoop runs a task where the events arrive: only there is known whether an event came first
     * @param onExpired called by {@code answersLoop} when a deadline has expired, or when the server does not end its
     *     response in time after the last event; must bear a second call
     */
    void start(Consumer<Runnable> answersLoop, Runnable onExpired) {
        this.answersLoop = answersLoop;
        this.onExpired = onExpired;
        schedule(this::check, Math.min(remaining(), limits.idleTimeout().toNanos()));
    }

    /** Stops the timer. Idempotent. */
    void stop() {
        stopped = true;
        cancelTimer();
    }

    /** Downstream requests {@code count} more lists. */
    void onRequest(long count) {
        if (demand.get() == 0) {
            lastEvent = clock.getAsLong(); // first: with demand, the time counts
        }
        demand.getAndAccumulate(count, Operators::addCap);
    }

    /** A list of events has arrived and is about to be emitted; an empty one is not emitted, but shows progress. */
    void onEvents(List<ChatEvent> events) {
        lastEvent = clock.getAsLong();
        started = true;
        if (events.isEmpty()) {
            return;
        }
        demand.decrementAndGet();
        if (events.getLast() instanceof Finished) {
            finished = true;
            cancelTimer();
            schedule(onExpired, END_TIMEOUT.toNanos());
        }
    }

    /** True once the last event has arrived. */
    boolean isFinished() {
        return finished;
    }

    private void check() {
        if (finished) {
            return; // the timer of the end has taken over
        }
        if (remaining() == 0) {
            onExpired.run();
        } else {
            schedule(this::check, Math.min(remaining(), limits.idleTimeout().toNanos()));
        }
    }

    private void schedule(Runnable task, long nanos) {
        timer = eventLoop.schedule(() -> answersLoop.accept(task), nanos, TimeUnit.NANOSECONDS);
        if (stopped) {
            cancelTimer();
        }
    }

    private void cancelTimer() {
        Future<?> running = timer;
        if (running != null) {
            running.cancel(false);
        }
    }

    private long remaining() {
        if (demand.get() == 0) {
            return timeout().toNanos();
        }
        return Math.max(0, timeout().toNanos() - (clock.getAsLong() - lastEvent));
    }

    private Duration timeout() {
        return started ? limits.idleTimeout() : limits.firstTokenTimeout();
    }

    /** The failure of a generation whose deadline has expired. */
    LlmException failure() {
        return new LlmException(
                started
                        ? new DeadlineExceeded(
                                Deadline.IDLE,
                                server + " sent nothing for " + timeout().toMillis()
                                        + " ms in the middle of the response.")
                        : new DeadlineExceeded(
                                Deadline.FIRST_TOKEN,
                                server + " sent no first token within "
                                        + timeout().toMillis() + " ms."));
    }
}
