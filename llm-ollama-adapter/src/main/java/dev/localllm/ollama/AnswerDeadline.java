package dev.localllm.ollama;

import dev.localllm.core.chat.ChatEvent;
import dev.localllm.core.chat.ChatEvent.Finished;
import dev.localllm.core.failure.Deadline;
import dev.localllm.core.failure.LlmException;
import dev.localllm.core.failure.LlmFailure.DeadlineExceeded;
import java.time.Duration;
import java.util.List;
import java.util.function.LongSupplier;
import reactor.core.publisher.Mono;

/**
 * Watches how long one answer keeps its caller waiting. Looks only when it could have become too long, so that a piece
 * of the answer costs no more than a note of the time. Written by one thread, read by any.
 */
final class AnswerDeadline {

    private final OllamaSettings settings;
    private final LongSupplier clock;
    private volatile long lastHeard;
    private volatile boolean begun;
    private volatile boolean finished;
    private volatile boolean exceeded;

    /** @param clock in nanoseconds, as {@link System#nanoTime} */
    AnswerDeadline(OllamaSettings settings, LongSupplier clock) {
        this.settings = settings;
        this.clock = clock;
        this.lastHeard = clock.getAsLong();
    }

    /** This has come of the answer; nothing is watched after its end. */
    void heard(List<ChatEvent> events) {
        lastHeard = clock.getAsLong();
        begun = true;
        finished |= events.getLast() instanceof Finished;
    }

    /** Completes when nothing has come for too long, and not before. */
    Mono<Void> passed() {
        return Mono.defer(() -> Mono.delay(
                        Duration.ofNanos(Math.min(left(), settings.idleTimeout().toNanos()))))
                .repeat(() -> left() > 0)
                .then(Mono.fromRunnable(() -> exceeded = true));
    }

    /** Fails with {@link DeadlineExceeded} if an answer was ended by {@link #passed}. */
    <T> Mono<T> failure() {
        return Mono.defer(() -> exceeded && !finished ? Mono.error(new LlmException(reason())) : Mono.empty());
    }

    private long left() {
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
