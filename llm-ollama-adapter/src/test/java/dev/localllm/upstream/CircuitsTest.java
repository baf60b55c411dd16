package dev.localllm.upstream;

import static org.assertj.core.api.Assertions.assertThat;

import dev.localllm.core.catalog.ModelId;
import dev.localllm.core.failure.Deadline;
import dev.localllm.core.failure.LlmException;
import dev.localllm.core.failure.LlmFailure;
import dev.localllm.core.failure.LlmFailure.DeadlineExceeded;
import dev.localllm.core.failure.LlmFailure.UnknownModel;
import dev.localllm.core.failure.LlmFailure.UpstreamFailed;
import dev.localllm.core.failure.LlmFailure.UpstreamUnavailable;
import java.net.ConnectException;
import java.time.Duration;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import reactor.core.Disposable;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Sinks;

class CircuitsTest {

    private static final int ENOUGH = 20;
    private static final Duration OPEN = Duration.ofSeconds(10);
    private static final Duration TIMEOUT = Duration.ofSeconds(5);
    private static final ModelId BAD = new ModelId("bad");
    private static final ModelId GOOD = new ModelId("good");
    private static final Flux<Integer> FAILS = Flux.error(new LlmException(new UpstreamFailed("no")));
    private static final Flux<Integer> REFUSED = Flux.error(new ConnectException("refused"));

    private final AtomicLong nanoTime = new AtomicLong(-5);
    private final AtomicInteger probes = new AtomicInteger();
    private Mono<Boolean> probe = Mono.just(true);
    private final Circuits circuits = new Circuits(
            "Server",
            OPEN,
            nanoTime::get,
            Mono.defer(() -> probe).doOnSubscribe(s -> probes.incrementAndGet()),
            new NetworkFaults("Server"));

    @Test
    void refusesOnlyTheModelThatFails() {
        repeat(BAD, FAILS);

        assertThat(failure(BAD, Flux.just(1)))
                .isEqualTo(new UpstreamUnavailable("The circuit of model 'bad:latest' is open.", OPEN));
        assertThat(failure(GOOD, Flux.just(1))).isNull();
        assertThat(probes).hasValue(0);
    }

    @Test
    void countsDeadlinesAgainstTheModel() {
        repeat(BAD, Flux.error(new LlmException(new DeadlineExceeded(Deadline.FIRST_TOKEN, "late"))));

        assertThat(failure(BAD, Flux.just(1))).isInstanceOf(UpstreamUnavailable.class);
        assertThat(failure(GOOD, Flux.just(1))).isNull();
    }

    @Test
    void tellsWhatIsOpenAndHowOftenItHasOpened() {
        assertThat(circuits.states()).isEqualTo(new Upstream.CircuitStates(false, 0, 0, 0));
        repeat(BAD, FAILS);
        assertThat(circuits.states()).isEqualTo(new Upstream.CircuitStates(false, 1, 0, 1));
        pass(OPEN);
        assertThat(circuits.states()).isEqualTo(new Upstream.CircuitStates(false, 0, 0, 1));
        failure(BAD, FAILS);
        assertThat(circuits.states()).isEqualTo(new Upstream.CircuitStates(false, 1, 0, 2));
        repeat(GOOD, REFUSED);
        assertThat(circuits.states()).isEqualTo(new Upstream.CircuitStates(true, 1, 1, 2));
        pass(OPEN);
        failure(BAD, Flux.just(1));
        assertThat(circuits.states()).isEqualTo(new Upstream.CircuitStates(false, 0, 1, 2));
    }

    @Test
    void usesOneCircuitForAllSpellingsOfAModel() {
        repeat(BAD, FAILS);

        assertThat(failure(new ModelId("BAD:latest"), Flux.just(1))).isInstanceOf(UpstreamUnavailable.class);
        assertThat(circuits.modelCount()).isEqualTo(1);
    }

    @Test
    void refusesAllModelsOfAServerThatCannotBeReached() {
        repeat(BAD, REFUSED);

        assertThat(failure(GOOD, Flux.just(1)))
                .isEqualTo(new UpstreamUnavailable("The circuit of Server is open.", OPEN));
        assertThat(probes).hasValue(0);
    }

    @Test
    void sendsNoRequestBeforeTheProbeSucceeds() {
        repeat(BAD, REFUSED);
        pass(OPEN);
        Sinks.One<Boolean> reached = Sinks.one();
        probe = reached.asMono();
        AtomicInteger asked = new AtomicInteger();
        Flux<Integer> answer = Flux.defer(() -> Flux.just(asked.incrementAndGet()));
        AtomicInteger came = new AtomicInteger();
        Disposable first = circuits.guard(GOOD, answer).subscribe(came::set);

        assertThat(failure(BAD, answer)).isEqualTo(new UpstreamUnavailable("The circuit of Server is open."));
        assertThat(failure(GOOD, answer)).isInstanceOf(UpstreamUnavailable.class);
        assertThat(asked).hasValue(0);

        reached.tryEmitValue(true);
        assertThat(came).hasValue(1);
        assertThat(first.isDisposed()).isTrue();
        assertThat(failure(BAD, answer)).isNull();
        assertThat(probes).hasValue(1);
    }

    @Test
    void staysOpenIfTheProbeFails() {
        repeat(BAD, REFUSED);
        pass(OPEN);
        probe = Mono.just(false);

        assertThat(failure(GOOD, Flux.just(1)))
                .isEqualTo(new UpstreamUnavailable("The circuit of Server is open.", OPEN));
        assertThat(failure(GOOD, Flux.just(1))).isInstanceOf(UpstreamUnavailable.class);
        assertThat(probes).hasValue(1);
    }

    @Test
    void probesAgainAfterACancel() {
        repeat(BAD, REFUSED);
        pass(OPEN);
        probe = Mono.never();
        circuits.guard(GOOD, Flux.just(1)).subscribe().dispose();
        probe = Mono.just(true);

        assertThat(failure(GOOD, Flux.just(1))).isNull();
        assertThat(probes).hasValue(2);
    }

    @Test
    void servesOtherModelsWhileOneLoads() {
        repeat(BAD, FAILS);
        pass(OPEN);
        Disposable loading = circuits.guard(BAD, Flux.never()).subscribe();

        assertThat(failure(BAD, Flux.just(1)))
                .isEqualTo(new UpstreamUnavailable("The circuit of model 'bad:latest' is open."));
        for (int i = 0; i < ENOUGH; i++) {
            assertThat(failure(GOOD, Flux.just(1))).isNull();
        }

        loading.dispose();
        assertThat(failure(BAD, Flux.just(1))).isNull();
    }

    /** Counts against neither server nor model: all of our own connections are in use. */
    @Test
    void ignoresAFullConnectionPool() {
        repeat(BAD, Flux.error(new TimeoutException("pool")));

        assertThat(failure(BAD, Flux.just(1))).isNull();
    }

    @Test
    void limitsTheNumberOfModels() {
        repeat(BAD, FAILS);
        for (int i = 0; i < Circuits.MAX_MODELS - 1; i++) {
            failure(new ModelId("unknown-" + i), Flux.error(new LlmException(new UnknownModel("unknown"))));
        }
        assertThat(circuits.modelCount()).isEqualTo(Circuits.MAX_MODELS);
        assertThat(failure(BAD, Flux.just(1))).isInstanceOf(UpstreamUnavailable.class);

        for (int i = 0; i < 2 * Circuits.MAX_MODELS; i++) {
            failure(new ModelId("other-" + i), Flux.error(new LlmException(new UnknownModel("unknown"))));
            assertThat(failure(BAD, Flux.just(1))).isInstanceOf(UpstreamUnavailable.class);
        }
        for (int i = 0; i < Circuits.MAX_MODELS; i++) {
            failure(new ModelId("last-" + i), Flux.error(new LlmException(new UnknownModel("unknown"))));
        }
        assertThat(circuits.modelCount()).isEqualTo(Circuits.MAX_MODELS);
        assertThat(failure(BAD, Flux.just(1))).isNull();
    }

    private void pass(Duration time) {
        nanoTime.addAndGet(time.toNanos() + 1);
    }

    private void repeat(ModelId model, Flux<Integer> answer) {
        for (int i = 0; i < ENOUGH; i++) {
            assertThat(failure(model, answer)).isNotNull();
        }
    }

    private @Nullable LlmFailure failure(ModelId model, Flux<Integer> answer) {
        try {
            circuits.guard(model, answer).blockLast(TIMEOUT);
            return null;
        } catch (LlmException e) {
            return e.failure();
        }
    }
}
