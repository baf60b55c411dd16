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
import java.util.function.LongSupplier;
import reactor.core.Scannable;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Operators;
import reactor.core.publisher.Sinks;

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
    private final AtomicLong demand = new AtomicLong();
    private volatile long lastEvent;
    private volatile boolean started;
    private final Sinks.Empty<Void> finished = Sinks.empty();
    private volatile boolean exceeded;

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

    /** Downstream requests {@code count} more lists. */
    void onRequest(long count) {
        if (demand.getAndAccumulate(count, Operators::addCap) == 0) {
            lastEvent = clock.getAsLong();
        }
    }

    /** A list of events has arrived and is about to be emitted. */
    void onEvents(List<ChatEvent> events) {
        lastEvent = clock.getAsLong();
        demand.decrementAndGet();
        started = true;
        if (events.getLast() instanceof Finished) {
            finished.tryEmitEmpty();
        }
    }

    /** True once the last event has arrived. */
    boolean isFinished() {
        return finished.scanOrDefault(Scannable.Attr.TERMINATED, false);
    }

    /** True once {@link #expired} has completed. */
    boolean isExceeded() {
        return exceeded;
    }

    /**
     * Completes when a deadline has expired, or when the server does not end its response in time after the last event.
     */
    Mono<Void> expired() {
        Mono<Void> silence = Mono.defer(
                        () -> after(Math.min(remaining(), limits.idleTimeout().toNanos())))
                .repeat(() -> remaining() > 0)
                .then();
        Mono<Void> overtime = finished.asMono().then(after(END_TIMEOUT.toNanos()));
        return Mono.firstWithSignal(silence, overtime).then(Mono.fromRunnable(() -> exceeded = true));
    }

    /**
     * Fails with {@link DeadlineExceeded} if {@link #expired} completed before the last event arrived, else completes
     * empty.
     */
    <T> Mono<T> failure() {
        return Mono.defer(() -> exceeded && !isFinished() ? Mono.error(new LlmException(reason())) : Mono.empty());
    }

    private Mono<Void> after(long nanos) {
        return Mono.create(sink -> {
            Future<?> timer = eventLoop.schedule(() -> sink.success(), nanos, TimeUnit.NANOSECONDS);
            sink.onDispose(() -> timer.cancel(false));
        });
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

    private DeadlineExceeded reason() {
        return started
                ? new DeadlineExceeded(
                        Deadline.IDLE,
                        server + " sent nothing for " + timeout().toMillis() + " ms in the middle of the response.")
                : new DeadlineExceeded(
                        Deadline.FIRST_TOKEN,
                        server + " sent no first token within " + timeout().toMillis() + " ms.");
    }
}
