package dev.localllm.upstream;

import static org.assertj.core.api.Assertions.assertThat;

import dev.localllm.core.failure.LlmException;
import dev.localllm.core.failure.LlmFailure.Overloaded;
import dev.localllm.core.failure.LlmFailure.UnknownModel;
import dev.localllm.core.failure.LlmFailure.UpstreamFailed;
import dev.localllm.core.failure.LlmFailure.UpstreamUnavailable;
import io.github.resilience4j.circuitbreaker.CallNotPermittedException;
import java.net.ConnectException;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import reactor.core.Disposable;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Sinks;
import reactor.test.StepVerifier;

class CircuitTest {

    private static final int ENOUGH = 10;
    private static final Duration OPEN = Duration.ofSeconds(10);
    private static final Duration TIMEOUT = Duration.ofSeconds(5);
    private final LlmException failure = new LlmException(new UpstreamFailed("no"));

    private final AtomicReference<Instant> now = new AtomicReference<>(Instant.EPOCH);
    private final InstantSource clock = now::get;
    private final Circuit circuit =
            new Circuit("it", Blame.MODEL, CircuitTest::blame, OPEN, clock.withZone(ZoneOffset.UTC), () -> {});

    @Test
    void opensAfterEnoughFailuresWithARetryAfter() {
        fail(ENOUGH - 1);
        assertThat(circuit.isClosed()).isTrue();
        fail(1);
        assertThat(circuit.isClosed()).isFalse();
        assertRefused();

        pass(Duration.ofMillis(2500));

        assertRefused();
        assertThat(circuit.refusal().failure())
                .isEqualTo(new UpstreamUnavailable("The circuit of it is open.", Duration.ofMillis(7500)));
    }

    @Test
    void countsNeitherRefusalsNorIgnoredFaults() {
        for (int i = 0; i < ENOUGH; i++) {
            end(Mono.error(new LlmException(new UnknownModel("m"))));
        }
        for (int i = 0; i < 3 * ENOUGH; i++) {
            end(Mono.error(new LlmException(new Overloaded("full"))));
            end(Mono.error(new ConnectException("refused")));
            end(Mono.error(new IllegalStateException("a bug")));
        }
        fail(ENOUGH - 1); // with the ten refusals that is less than half

        assertThat(circuit.isClosed()).isTrue();
        fail(1);
        assertThat(circuit.isClosed()).isFalse();
    }

    @Test
    void countsAFailureAfterTheFirstElementToo() {
        Flux<Integer> breaking = Flux.just(1).concatWith(Flux.error(failure));
        for (int i = 0; i < ENOUGH; i++) {
            circuit.guard(FirstSignal.of(breaking, circuit.lateFaults()))
                    .flatMapMany(rest -> rest)
                    .onErrorComplete()
                    .blockLast(TIMEOUT);
        }
        assertThat(circuit.isClosed()).isFalse();
    }

    @Test
    void countsNoCancel() {
        fail(ENOUGH - 1);
        for (int i = 0; i < 3 * ENOUGH; i++) {
            circuit.guard(Mono.never()).subscribe().dispose();
        }
        assertThat(circuit.isClosed()).isTrue();
        fail(1);
        assertThat(circuit.isClosed()).isFalse();
    }

    /** Loading a model may take minutes. */
    @Test
    void countsNoSlowCall() {
        for (int i = 0; i < 3 * ENOUGH; i++) {
            Sinks.One<Integer> result = Sinks.one();
            circuit.guard(result.asMono()).subscribe();
            pass(Duration.ofHours(1));
            result.tryEmitValue(1);
        }
        assertThat(circuit.isClosed()).isTrue();
    }

    @Test
    void permitsOneTrialCallWhenHalfOpen() {
        open();
        Sinks.Empty<Void> test = Sinks.empty();
        Disposable testing = circuit.guard(test.asMono()).subscribe();

        assertRefused();
        assertThat(circuit.refusal().failure()).isEqualTo(new UpstreamUnavailable("The circuit of it is open."));

        test.tryEmitEmpty();
        assertThat(testing.isDisposed()).isTrue();
        assertThat(circuit.isClosed()).isTrue();
    }

    @Test
    void opensAgainForTheSameTimeIfTheTrialCallFails() {
        open();
        fail(1);

        assertRefused();
        assertThat(circuit.refusal().failure()).isEqualTo(new UpstreamUnavailable("The circuit of it is open.", OPEN));
    }

    @Test
    void permitsAnotherTrialCallAfterACancel() {
        open();
        circuit.guard(Mono.never()).subscribe().dispose();

        end(Mono.just(1));

        assertThat(circuit.isClosed()).isTrue();
    }

    @Test
    void permitsAnotherTrialCallAfterAnIgnoredFault() {
        open();
        end(Mono.error(new ConnectException("refused")));
        assertThat(circuit.isClosed()).isFalse();

        end(Mono.just(1));
        assertThat(circuit.isClosed()).isTrue();
    }

    /** Otherwise one of these results would close or open the half-open circuit, or permit a second call. */
    @Test
    void ignoresResultsOfEarlierCalls() {
        List<Sinks.One<Integer>> results = new ArrayList<>();
        List<Disposable> old = new ArrayList<>();
        Sinks.Many<Integer> answer = Sinks.many().unicast().onBackpressureBuffer();
        circuit.guard(FirstSignal.of(answer.asFlux(), circuit.lateFaults()))
                .flatMapMany(rest -> rest)
                .subscribe(element -> {}, fault -> {});
        answer.tryEmitNext(1);
        for (int i = 0; i < 3; i++) {
            results.add(Sinks.one());
            old.add(circuit.guard(results.get(i).asMono()).subscribe(value -> {}, fault -> {}));
        }
        open();
        Sinks.Empty<Void> test = Sinks.empty();
        circuit.guard(test.asMono()).subscribe();

        old.get(0).dispose();
        assertRefused();
        results.get(1).tryEmitValue(1);
        assertRefused();
        results.get(2).tryEmitError(failure);
        answer.tryEmitError(failure);
        assertRefused();

        test.tryEmitEmpty();
        assertThat(circuit.isClosed()).isTrue();
    }

    /** Fails until the circuit opens, and waits for the open duration. */
    private void open() {
        fail(2 * ENOUGH);
        assertRefused();
        pass(OPEN.plusMillis(1));
    }

    private void pass(Duration time) {
        now.updateAndGet(instant -> instant.plus(time));
    }

    private void fail(int times) {
        for (int i = 0; i < times; i++) {
            end(Mono.error(failure));
        }
    }

    private void end(Mono<Integer> call) {
        circuit.guard(call).onErrorComplete().block(TIMEOUT);
    }

    private void assertRefused() {
        StepVerifier.create(circuit.guard(Mono.just(1)))
                .expectError(CallNotPermittedException.class)
                .verify(TIMEOUT);
    }

    private static Blame blame(Throwable fault) {
        return switch (fault) {
            case LlmException e when e.failure() instanceof UpstreamFailed -> Blame.MODEL;
            case LlmException e when e.failure() instanceof UnknownModel -> Blame.CALLER;
            case ConnectException e -> Blame.SERVER;
            default -> Blame.NONE;
        };
    }
}
