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
import java.util.function.Function;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/**
 * One circuit. It opens when half of the last calls failed, stays open for a while, then lets one call through (it is
 * half-open), and closes or opens again by the result of that call. A cancelled call counts as nothing. Thread-safe.
 *
 * <p>resilience4j's operator guards the way to the first signal. What it can't express is here, on the core API: a
 * failure after that signal; how long the circuit stays open; and results of calls that began before it opened, which
 * must change nothing. For the last of these every opening starts a new breaker, and a call reports to the breaker
 * that it began with.
 */
final class Circuit {

    private static final int WINDOW = 20;
    private static final int MIN_CALLS = 10;

    private final String name;
    private final Blame blame;
    private final Function<Throwable, Blame> blameOf;
    private final Duration openDuration;
    private final Clock clock;
    private volatile Period period;

    /** Begins with an opening; the first one is closed from its start. */
    private record Period(CircuitBreaker breaker, Instant openUntil) {}

    /**
     * @param blame which faults count as failures; refusals count as successes, all others as nothing
     * @param blameOf what a fault counts against
     */
    Circuit(String name, Blame blame, Function<Throwable, Blame> blameOf, Duration openDuration, Clock clock) {
        this.name = name;
        this.blame = blame;
        this.blameOf = blameOf;
        this.openDuration = openDuration;
        this.clock = clock;
        this.period = new Period(breaker(State.CLOSED), Instant.MIN);
    }

    /**
     * The call, if it is let through; fails with resilience4j's CallNotPermittedException otherwise.
     *
     * @param call its first signal is its result; the value false is a failure too
     */
    <T> Mono<T> guard(Mono<T> call) {
        return Mono.defer(() -> call.transform(CircuitBreakerOperator.of(period.breaker())));
    }

    /** As {@link #guard}, and counts one more failure if the answer fails after its first element. */
    <T> Mono<Flux<T>> guardAnswer(Mono<Flux<T>> answer) {
        return Mono.defer(() -> {
            CircuitBreaker breaker = period.breaker();
            return answer.transform(CircuitBreakerOperator.of(breaker))
                    .map(rest -> rest.doOnError(fault -> breaker.onError(0, TimeUnit.NANOSECONDS, fault)));
        });
    }

    boolean isClosed() {
        return period.breaker().getState() == State.CLOSED;
    }

    private boolean isIgnored(Blame against) {
        return against != blame && against != Blame.CALLER;
    }

    /** What a caller is told who isn't let through. */
    LlmException refusal() {
        Duration left = Duration.between(clock.instant(), period.openUntil());
        return new LlmException(
                new UpstreamUnavailable("The circuit of " + name + " is open.", left.isPositive() ? left : null));
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
                        .currentTimestampFunction(any -> 0L, TimeUnit.NANOSECONDS) // loading a model is no slow call
                        .build());
        breaker.getEventPublisher().onStateTransition(change -> {
            if (change.getStateTransition().getToState() == State.OPEN) {
                period = new Period(breaker(State.OPEN), clock.instant().plus(openDuration));
            }
        });
        return breaker;
    }
}
