package dev.localllm.upstream;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.test.StepVerifier;
import reactor.test.publisher.TestPublisher;

class FirstSignalTest {

    private static final Duration TIMEOUT = Duration.ofSeconds(5);

    private final TestPublisher<Integer> source = TestPublisher.create();
    private final List<Throwable> lateFaults = new ArrayList<>();
    private final Mono<Flux<Integer>> first = FirstSignal.of(source.flux(), lateFaults::add);

    @Test
    void emitsAllSignalsOfTheSource() {
        for (int count : new int[] {0, 1, 2, 1000}) {
            StepVerifier.create(FirstSignal.of(Flux.range(0, count), lateFaults::add)
                            .flatMapMany(rest -> rest))
                    .expectNextSequence(Flux.range(0, count).toIterable())
                    .expectComplete()
                    .verify(TIMEOUT);
        }
    }

    @Test
    void emitsTheFluxWithTheFirstElement() {
        StepVerifier.create(first)
                .then(() -> source.assertMinRequested(1))
                .then(() -> source.next(1))
                .expectNextCount(1)
                .expectComplete()
                .verify(TIMEOUT);
        source.assertNotCancelled();
    }

    @Test
    void failsIfTheSourceFailsBeforeItsFirstElement() {
        StepVerifier.create(first)
                .then(() -> source.error(new IOException("no")))
                .expectError(IOException.class)
                .verify(TIMEOUT);
        assertThat(lateFaults).isEmpty();
    }

    @Test
    void holdsTheFirstElementUntilItIsRequested() {
        StepVerifier.create(first.flatMapMany(rest -> rest), 0)
                .then(() -> source.next(1))
                .thenRequest(1)
                .expectNext(1)
                .thenRequest(2)
                .then(() -> source.next(2, 3))
                .expectNext(2, 3)
                .then(source::complete)
                .expectComplete()
                .verify(TIMEOUT);
    }

    /** Requests one element in advance, then as many as the subscriber. */
    @Test
    void requestsNoMoreThanItsSubscriber() {
        List<Integer> taken = new ArrayList<>();
        List<Long> requests = new ArrayList<>();
        Flux<Integer> numbers = Flux.range(1, 10).doOnNext(taken::add).doOnRequest(requests::add);
        StepVerifier.create(FirstSignal.of(numbers, lateFaults::add).flatMapMany(rest -> rest), 0)
                .then(() -> assertThat(taken).containsExactly(1))
                .thenRequest(1)
                .expectNext(1)
                .then(() -> assertThat(taken).containsExactly(1))
                .thenRequest(2)
                .expectNext(2, 3)
                .then(() -> assertThat(taken).containsExactly(1, 2, 3))
                .thenCancel()
                .verify(TIMEOUT);
        assertThat(requests).containsExactly(1L, 2L);
    }

    @Test
    void emitsToOneSubscriberOnly() {
        Flux<Integer> rest = FirstSignal.of(Flux.range(0, 2), lateFaults::add)
                .blockOptional(TIMEOUT)
                .orElseThrow();
        StepVerifier.create(rest).expectNext(0, 1).expectComplete().verify(TIMEOUT);

        StepVerifier.create(rest).expectError(IllegalStateException.class).verify(TIMEOUT);
    }

    @Test
    void emitsTheEndAfterAFirstElementThatWaits() {
        StepVerifier.create(first.flatMapMany(rest -> rest), 0)
                .then(() -> source.next(1))
                .then(() -> source.error(new IOException("no")))
                .thenRequest(1)
                .expectNext(1)
                .expectError(IOException.class)
                .verify(TIMEOUT);
        assertThat(lateFaults).hasSize(1);
    }

    @Test
    void cancelsTheSourceInEveryPhase() {
        StepVerifier.create(first.flatMapMany(rest -> rest)).thenCancel().verify(TIMEOUT);
        source.assertCancelled(1);

        StepVerifier.create(first.flatMapMany(rest -> rest), 0)
                .then(() -> source.next(1))
                .thenCancel()
                .verify(TIMEOUT);
        source.assertCancelled(2);

        StepVerifier.create(first.flatMapMany(rest -> rest))
                .then(() -> source.next(1))
                .expectNext(1)
                .thenCancel()
                .verify(TIMEOUT);
        source.assertCancelled(3);
    }

    /** The circuit breaker's operator drops the emitted Flux if the operator is cancelled meanwhile. */
    @Test
    void cancelsTheSourceIfTheEmittedFluxIsDropped() {
        StepVerifier.create(first)
                .then(() -> source.next(1))
                .expectNextCount(1)
                .thenCancel()
                .verify(TIMEOUT);
        source.assertCancelled(1);
    }
}
