package dev.localllm.api.connection;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.channel.embedded.EmbeddedChannel;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Sinks;
import reactor.test.StepVerifier;
import reactor.test.publisher.TestPublisher;

class TimedCollectorTest {

    private static final Duration TIMEOUT = Duration.ofSeconds(5);
    private static final long NO_TIMER = -1;

    private final EmbeddedChannel channel = new EmbeddedChannel();
    private final TestPublisher<Integer> source = TestPublisher.create();
    private final Sinks.Empty<Void> abort = Sinks.empty();
    private final List<Integer> collected = new ArrayList<>();

    @AfterEach
    void assertNothingIsLeft() {
        assertThat(channel.runScheduledPendingTasks()).as("a timer").isEqualTo(NO_TIMER);
        assertThat(abort.currentSubscriberCount()).isZero();
        channel.finishAndReleaseAll();
    }

    @Test
    void emitsOneValueAfterTheLastElement() {
        StepVerifier.create(collect(source.flux()))
                .then(() -> source.assertMinRequested(Long.MAX_VALUE))
                .then(() -> source.next(1, 2))
                .then(source::complete)
                .expectNext(List.of(1, 2))
                .expectComplete()
                .verify(TIMEOUT);
        source.assertNotCancelled();
    }

    @Test
    void failsWithTheSource() {
        StepVerifier.create(collect(Flux.error(new IOException("no"))))
                .expectError(IOException.class)
                .verify(TIMEOUT);
    }

    @Test
    void failsWhenAnElementIsRefused() {
        StepVerifier.create(collect(source.flux()))
                .then(() -> source.next(-1))
                .expectError(IllegalArgumentException.class)
                .verify(TIMEOUT);
        source.assertCancelled();
    }

    @Test
    void failsOnTimeoutAndIgnoresWhatComesLater() {
        StepVerifier.create(collect(source.flux()))
                .then(() -> source.next(1))
                .then(() -> {
                    channel.advanceTimeBy(1, TimeUnit.MINUTES);
                    channel.runScheduledPendingTasks();
                })
                .expectError(TimeoutException.class)
                .verify(TIMEOUT);
        source.assertCancelled();
        source.complete();
    }

    @Test
    void failsOnAbort() {
        StepVerifier.create(collect(source.flux()))
                .then(() -> abort.tryEmitError(new IOException("abort")))
                .expectErrorMessage("abort")
                .verify(TIMEOUT);
        source.assertCancelled();
    }

    @Test
    void requestsNothingAfterAnAbortBeforehand() {
        abort.tryEmitError(new IOException("abort"));

        StepVerifier.create(collect(source.flux())).expectErrorMessage("abort").verify(TIMEOUT);

        source.assertWasNotRequested();
        source.assertCancelled();
    }

    @Test
    void cancelsTheSource() {
        StepVerifier.create(collect(source.flux())).thenCancel().verify(TIMEOUT);
        source.assertCancelled();
    }

    @Test
    void failsIfTheValueCannotBeMade() {
        Mono<Integer> failing = TimedCollector.collect(
                Flux.just(1),
                collected::add,
                () -> {
                    throw new IllegalStateException("no value");
                },
                limits());

        StepVerifier.create(failing).expectErrorMessage("no value").verify(TIMEOUT);
    }

    private Mono<List<Integer>> collect(Flux<Integer> elements) {
        return TimedCollector.collect(
                elements,
                element -> {
                    if (element < 0) {
                        throw new IllegalArgumentException("negative");
                    }
                    collected.add(element);
                },
                () -> List.copyOf(collected),
                limits());
    }

    private TimedCollector.Limits limits() {
        return new TimedCollector.Limits(
                Duration.ofMinutes(1),
                channel.eventLoop(),
                TimeoutException::new,
                listener -> abort.asMono().subscribe(null, listener));
    }
}
