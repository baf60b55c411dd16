package dev.localllm.ollama;

import dev.localllm.core.chat.ChatEvent;
import dev.localllm.core.chat.ChatEvent.Finished;
import dev.localllm.core.failure.Deadline;
import dev.localllm.core.failure.LlmException;
import dev.localllm.core.failure.LlmFailure.DeadlineExceeded;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.LongSupplier;
import reactor.core.Scannable;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Operators;
import reactor.core.publisher.Sinks;

/**
 * Watches how long one answer keeps its caller waiting; while it is the caller who takes nothing, no time is counted.
 * Looks only when it could have become too long, so that a piece of the answer costs no more than a note of the time.
 * Thread-safe.
 */
final class AnswerDeadline {

    /** From the answer's last line until Ollama must be done with the exchange. */
    private static final Duration LAST_CHUNK = Duration.ofSeconds(1);

    private final OllamaSettings settings;
    private final LongSupplier clock;
    private final AtomicLong wanted = new AtomicLong();
    private volatile long lastHeard;
    private volatile boolean begun;
    private final Sinks.Empty<Void> finished = Sinks.empty();
    private volatile boolean exceeded;

    /** @param clock in nanoseconds, as {@link System#nanoTime} */
    AnswerDeadline(OllamaSettings settings, LongSupplier clock) {
        this.settings = settings;
        this.clock = clock;
        this.lastHeard = clock.getAsLong();
    }

    /** The caller would take so many pieces more. */
    void wanted(long count) {
        if (wanted.getAndAccumulate(count, Operators::addCap) == 0) {
            lastHeard = clock.getAsLong();
        }
    }

    /** This has come of the answer. */
    void heard(List<ChatEvent> events) {
        lastHeard = clock.getAsLong();
        wanted.decrementAndGet();
        begun = true;
        if (events.getLast() instanceof Finished) {
            finished.tryEmitEmpty();
        }
    }

    /** True if the answer has come to its end. */
    boolean isFinished() {
        return finished.scanOrDefault(Scannable.Attr.TERMINATED, false);
    }

    /** True if {@link #passed} has ended the exchange. */
    boolean isExceeded() {
        return exceeded;
    }

    /** Completes when nothing has come for too long, and not before. */
    Mono<Void> passed() {
        Mono<Void> silence = Mono.defer(() -> Mono.delay(
                        Duration.ofNanos(Math.min(left(), settings.idleTimeout().toNanos()))))
                .repeat(() -> left() > 0)
                .then();
        Mono<Void> overtime = finished.asMono().then(Mono.delay(LAST_CHUNK)).then();
        return Mono.firstWithSignal(silence, overtime).then(Mono.fromRunnable(() -> exceeded = true));
    }

    /** Fails with {@link DeadlineExceeded} if the exchange was ended by {@link #passed} before the answer was. */
    <T> Mono<T> failure() {
        return Mono.defer(() -> exceeded && !isFinished() ? Mono.error(new LlmException(reason())) : Mono.empty());
    }

    private long left() {
        if (wanted.get() == 0) {
            return allowed().toNanos();
        }
        return Math.max(0, allowed().toNanos() - (clock.getAsLong() - lastHeard));
    }

    private Duration allowed() {
        return begun ? settings.idleTimeout() : settings.firstTokenTimeout();
    }

    private DeadlineExceeded reason() {
        return begun
                ? new DeadlineExceeded(
                        Deadline.IDLE,
                        "Ollama fell silent in the middle of the answer for "
                                + allowed().toMillis() + " ms.")
                : new DeadlineExceeded(
                        Deadline.FIRST_TOKEN,
                        "Ollama sent nothing of the answer within " + allowed().toMillis() + " ms.");
    }
}
