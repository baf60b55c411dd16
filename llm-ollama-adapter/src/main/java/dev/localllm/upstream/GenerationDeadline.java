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
 * First-token and idle deadlines of one generation. The clock is paused while downstream has no demand. A timer looks
 * only when a deadline could have been reached, so that an event costs no more than a note of the time. Thread-safe.
 */
final class GenerationDeadline {

    /** From the last event until the server must have ended its response. */
    private static final Duration LAST_CHUNK = Duration.ofSeconds(1);

    private final String server;
    private final UpstreamLimits limits;
    private final LongSupplier clock;
    private final EventExecutor eventLoop;
    private final AtomicLong demand = new AtomicLong();
    private volatile long lastEvent;
    private volatile boolean begun;
    private final Sinks.Empty<Void> finished = Sinks.empty();
    private volatile boolean exceeded;

    /**
     * @param server as messages call it
     * @param clock in nanoseconds, as {@link System#nanoTime}
     * @param eventLoop has the timers
     */
    GenerationDeadline(String server, UpstreamLimits limits, LongSupplier clock, EventExecutor eventLoop) {
        this.server = server;
        this.limits = limits;
        this.clock = clock;
        this.eventLoop = eventLoop;
        this.lastEvent = clock.getAsLong();
    }

    /** Downstream requests so many lists more. */
    void onRequest(long count) {
        if (demand.getAndAccumulate(count, Operators::addCap) == 0) {
            lastEvent = clock.getAsLong();
        }
    }

    /** One list of events has come. */
    void onEvents(List<ChatEvent> events) {
        lastEvent = clock.getAsLong();
        demand.decrementAndGet();
        begun = true;
        if (events.getLast() instanceof Finished) {
            finished.tryEmitEmpty();
        }
    }

    /** True if the answer has come to its end. */
    boolean isFinished() {
        return finished.scanOrDefault(Scannable.Attr.TERMINATED, false);
    }

    /** True if {@link #expired} has ended the exchange. */
    boolean isExceeded() {
        return exceeded;
    }

    /** Completes when nothing has come for too long, and not before. */
    Mono<Void> expired() {
        Mono<Void> silence = Mono.defer(
                        () -> after(Math.min(remaining(), limits.idleTimeout().toNanos())))
                .repeat(() -> remaining() > 0)
                .then();
        Mono<Void> overtime = finished.asMono().then(after(LAST_CHUNK.toNanos()));
        return Mono.firstWithSignal(silence, overtime).then(Mono.fromRunnable(() -> exceeded = true));
    }

    /** Fails with {@link DeadlineExceeded} if the exchange was ended by {@link #expired} before the answer was. */
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
            return allowed().toNanos();
        }
        return Math.max(0, allowed().toNanos() - (clock.getAsLong() - lastEvent));
    }

    private Duration allowed() {
        return begun ? limits.idleTimeout() : limits.firstTokenTimeout();
    }

    private DeadlineExceeded reason() {
        return begun
                ? new DeadlineExceeded(
                        Deadline.IDLE,
                        server + " fell silent in the middle of the answer for "
                                + allowed().toMillis() + " ms.")
                : new DeadlineExceeded(
                        Deadline.FIRST_TOKEN,
                        server + " sent nothing of the answer within "
                                + allowed().toMillis() + " ms.");
    }
}
