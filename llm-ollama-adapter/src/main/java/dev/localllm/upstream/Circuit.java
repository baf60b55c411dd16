package dev.localllm.upstream;

import dev.localllm.core.failure.LlmException;
import dev.localllm.core.failure.LlmFailure.UpstreamUnavailable;
import io.github.resilience4j.circuitbreaker.CircuitBreaker;
import io.github.resilience4j.circuitbreaker.CircuitBreaker.State;
import io.github.resilience4j.circuitbreaker.CircuitBreakerConfig;
import io.github.resilience4j.reactor.circuitbreaker.operator.CircuitBreakerOperator;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.Function;
import reactor.core.publisher.Mono;

/**
 * A circuit breaker. It opens when at least half of the last 20 calls failed, and not before the 10th call. After the
 * open duration it is half-open: it permits one call, and the result of that call closes or opens it. A cancelled call
 * is not counted. Thread-safe.
 *
 * <p>resilience4j's operator records the first signal of a call. This class adds what the operator can't do: it counts
 * a failure after the first signal, reports how long the circuit stays open, and ignores results of calls that began
 * before it opened. To ignore them, each opening creates a new breaker, and a call reports to the breaker that it began
 * with.
 */
final class Circuit {

    private static final int WINDOW = 20;
    private static final int MIN_CALLS = 10;

    private final String name;
    private final Blame blame;
    private final Function<Throwable, Blame> blameOf;
    private final Duration openDuration;
    private final Clock clock;
    private final Runnable onOpening;
    private volatile Period period;

    /** The time from one opening to the next. The first period begins closed. */
    private record Period(CircuitBreaker breaker, Instant openUntil) {}

    /**
     * @param blame faults with this blame count as failures, those with {@link Blame#CALLER} as successes; others are
     *     not counted
     * @param blameOf judges a fault
     * @param onOpening called each time when the circuit opens, on any thread
     */
    Circuit(
            String name,
            Blame blame,
            Function<Throwable, Blame> blameOf,
            Duration openDuration,
            Clock clock,
            Runnable onOpening) {
        this.name = name;
        this.blame = blame;
        this.blameOf = blameOf;
        this.openDuration = openDuration;
        this.clock = clock;
        this.onOpening = onOpening;
        this.period = new Period(breaker(State.CLOSED), Instant.MIN);
    }

    /**
     * Runs the call if the circuit permits it, else fails with resilience4j's CallNotPermittedException. Subscribe at
     * once: the call reports to the breaker of now.
     *
     * @param call its first signal is its result; the value false counts as a failure
     */
    <T> Mono<T> guard(Mono<T> call) {
        return call.transform(CircuitBreakerOperator.of(period.breaker()));
    }

    /** Counts one more failure of a call that begins now, for a fault after its first signal. */
    Consumer<Throwable> lateFaults() {
        CircuitBreaker breaker = period.breaker();
        return fault -> breaker.onError(0, TimeUnit.NANOSECONDS, fault);
    }

    boolean isClosed() {
        return period.breaker().getState() == State.CLOSED;
    }

    /** True while the circuit permits no call. Afterwards the next call tests it. */
    boolean isOpen() {
        return clock.instant().isBefore(period.openUntil());
    }

    private boolean isIgnored(Blame against) {
        return against != blame && against != Blame.CALLER;
    }

    /** The failure of a call that is not permitted. Its retry-after is the rest of the open duration. */
    LlmException refusal() {
        Duration rest = Duration.between(clock.instant(), period.openUntil());
        return new LlmException(
                new UpstreamUnavailable("The circuit of " + name + " is open.", rest.isPositive() ? rest : null));
    }

    private CircuitBreaker breaker(State initial) {
        CircuitBreaker breaker = CircuitBreaker.of(
                name,
                CircuitBreakerConfig.custom()
                        .initialState(initial)
                        .slidingWindowSize(WINDOW)
                        .minimumNumberOfCalls(MIN_CALLS)
                        .waitDurationInOpenState(openDuration)
                        .permittedNumberOfCallsInHalfOpenState(1)
                        .recordException(fault -> blameOf.apply(fault) == blame)
                        .ignoreException(fault -> isIgnored(blameOf.apply(fault)))
                        .recordResult(Boolean.FALSE::equals)
                        .clock(clock)
                        .currentTimestampFunction(any -> 0L, TimeUnit.NANOSECONDS) // no call counts as slow
                        .build());
        breaker.getEventPublisher().onStateTransition(change -> {
            if (change.getStateTransition().getToState() == State.OPEN) {
                period = new Period(breaker(State.OPEN), clock.instant().plus(openDuration));
                onOpening.run();
            }
        });
        return breaker;
    }
}
