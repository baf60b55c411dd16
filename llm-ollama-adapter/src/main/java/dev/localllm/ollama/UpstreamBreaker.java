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
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * Leaves Ollama alone for a while when half of what it was asked failed; then lets one request try. What counts is
 * the way to the first piece of an answer, however long the rest takes; an answer that breaks later counts as one
 * more failure. A caller who leaves counts as nothing. Thread-safe.
 */
final class UpstreamBreaker {

    private static final int WINDOW = 20;
    private static final int MIN_CALLS = 10;
    private static final Duration NEVER_SLOW = Duration.ofDays(1);

    private final CircuitBreaker breaker;

    private UpstreamBreaker(CircuitBreaker breaker) {
        this.breaker = breaker;
    }

    static UpstreamBreaker of(Duration breakOff) {
        return new UpstreamBreaker(CircuitBreaker.of(
                "ollama",
                CircuitBreakerConfig.custom()
                        .slidingWindowSize(WINDOW)
                        .minimumNumberOfCalls(MIN_CALLS)
                        .waitDurationInOpenState(breakOff)
                        .permittedNumberOfCallsInHalfOpenState(1)
                        .slowCallDurationThreshold(NEVER_SLOW)
                        .build()));
    }

    /** Begins an attempt, or fails with {@link UpstreamUnavailable} while Ollama is left alone. */
    Attempt attempt() {
        if (!breaker.tryAcquirePermission()) {
            throw new LlmException(new UpstreamUnavailable("Ollama failed too often and is left alone for a moment."));
        }
        return new Attempt();
    }

    /** One request to Ollama. Its outcome is told once; what is told later is left out, unless it is a failure. */
    final class Attempt {

        private final AtomicBoolean told = new AtomicBoolean();

        void answered() {
            if (told.compareAndSet(false, true)) {
                breaker.onSuccess(0, TimeUnit.NANOSECONDS);
            }
        }

        void failed(Throwable fault) {
            boolean first = told.compareAndSet(false, true);
            if (isOllamas(fault)) {
                breaker.onError(0, TimeUnit.NANOSECONDS, fault);
            } else if (first && isOurs(fault)) {
                breaker.releasePermission();
            } else if (first) {
                breaker.onSuccess(0, TimeUnit.NANOSECONDS);
            }
        }

        void cancelled() {
            if (told.compareAndSet(false, true)) {
                breaker.releasePermission();
            }
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

    /** True if Ollama was not even asked. */
    private static boolean isOurs(Throwable fault) {
        return !(fault instanceof LlmException e) || e.failure() instanceof Overloaded;
    }
}
