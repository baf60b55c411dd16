package dev.localllm.ollama;

import dev.localllm.core.failure.LlmException;
import dev.localllm.core.failure.LlmFailure.ContextLengthExceeded;
import dev.localllm.core.failure.LlmFailure.DeadlineExceeded;
import dev.localllm.core.failure.LlmFailure.InvalidRequest;
import dev.localllm.core.failure.LlmFailure.Overloaded;
import dev.localllm.core.failure.LlmFailure.RateLimited;
import dev.localllm.core.failure.LlmFailure.ShuttingDown;
import dev.localllm.core.failure.LlmFailure.UnknownModel;
import dev.localllm.core.failure.LlmFailure.UnsupportedByModel;
import dev.localllm.core.failure.LlmFailure.UpstreamFailed;
import dev.localllm.core.failure.LlmFailure.UpstreamProtocol;
import dev.localllm.core.failure.LlmFailure.UpstreamUnavailable;
import io.github.resilience4j.circuitbreaker.CircuitBreaker;
import io.github.resilience4j.circuitbreaker.CircuitBreakerConfig;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;

/**
 * Leaves Ollama alone for a while when half of what it was asked failed; then lets one request try. What counts is
 * the way to the first piece of an answer, however long the rest takes; an answer that breaks later counts as one
 * more failure. A caller who leaves counts as nothing, and so does what was asked before the last change between
 * leaving alone, trying and asking. Thread-safe.
 */
final class UpstreamBreaker {

    private static final int WINDOW = 20;
    private static final int MIN_CALLS = 10;

    private final CircuitBreaker breaker;
    private final AtomicInteger era = new AtomicInteger();

    private UpstreamBreaker(CircuitBreaker breaker) {
        this.breaker = breaker;
        breaker.getEventPublisher().onStateTransition(change -> era.incrementAndGet());
    }

    static UpstreamBreaker of(Duration breakOff) {
        return new UpstreamBreaker(CircuitBreaker.of(
                "ollama",
                CircuitBreakerConfig.custom()
                        .slidingWindowSize(WINDOW)
                        .minimumNumberOfCalls(MIN_CALLS)
                        .waitDurationInOpenState(breakOff)
                        .permittedNumberOfCallsInHalfOpenState(1)
                        .build()));
    }

    /** Begins an attempt, or fails with {@link UpstreamUnavailable} while Ollama is left alone. */
    Attempt attempt() {
        if (!breaker.tryAcquirePermission()) {
            throw new LlmException(new UpstreamUnavailable("Ollama failed too often and is left alone for a moment."));
        }
        return new Attempt(era.get());
    }

    private enum Stage {
        ASKED,
        ANSWERED,
        OVER
    }

    /** One request to Ollama. What is told of it after its end is left out. */
    final class Attempt {

        private final int begun;
        private final AtomicReference<Stage> stage = new AtomicReference<>(Stage.ASKED);

        private Attempt(int begun) {
            this.begun = begun;
        }

        void answered() {
            if (stage.compareAndSet(Stage.ASKED, Stage.ANSWERED) && isRecent()) {
                succeed();
            }
        }

        void failed(Throwable fault) {
            Stage before = stage.getAndSet(Stage.OVER);
            if (before == Stage.OVER || !isRecent()) {
                return;
            }
            if (isOllamas(fault)) {
                breaker.onError(0, TimeUnit.NANOSECONDS, fault);
            } else if (before == Stage.ASKED && fault instanceof LlmException) {
                succeed(); // a refusal is an answer
            } else if (before == Stage.ASKED) {
                breaker.releasePermission();
            }
        }

        void cancelled() {
            if (stage.getAndSet(Stage.OVER) == Stage.ASKED && isRecent()) {
                breaker.releasePermission();
            }
        }

        private boolean isRecent() {
            return begun == era.get();
        }

        /** How long it took is not told: a generation is not a slow call. */
        private void succeed() {
            breaker.onSuccess(0, TimeUnit.NANOSECONDS);
        }
    }

    private static boolean isOllamas(Throwable fault) {
        return fault instanceof LlmException e
                && switch (e.failure()) {
                    case UpstreamUnavailable f -> true;
                    case DeadlineExceeded f -> true;
                    case UpstreamFailed f -> true;
                    case UpstreamProtocol f -> true;
                    case InvalidRequest f -> false;
                    case UnknownModel f -> false;
                    case UnsupportedByModel f -> false;
                    case ContextLengthExceeded f -> false;
                    case Overloaded f -> false;
                    case RateLimited f -> false;
                    case ShuttingDown f -> false;
                };
    }
}
