package dev.localllm.api.openai;

import static java.util.concurrent.TimeUnit.NANOSECONDS;

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.springframework.core.io.buffer.DataBuffer;
import org.springframework.core.io.buffer.DefaultDataBufferFactory;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.test.StepVerifier;
import reactor.test.scheduler.VirtualTimeScheduler;

class HeartbeatsTest {

    private static final Duration SECOND = Duration.ofSeconds(1);
    private static final Duration PATIENCE = Duration.ofSeconds(10);

    @Test
    void beginAfterFiveSecondsAndKeepTheirInterval() {
        StepVerifier.withVirtualTime(
                        () -> heartbeats().among(Flux.never(), Mono.never()).map(HeartbeatsTest::text))
                .expectSubscription()
                .expectNoEvent(SECOND.multipliedBy(5).minusMillis(1))
                .thenAwait(Duration.ofMillis(1))
                .expectNext("beat")
                .expectNoEvent(SECOND.multipliedBy(15).minusMillis(1))
                .thenAwait(Duration.ofMillis(1))
                .expectNext("beat")
                .thenCancel()
                .verify(PATIENCE);
    }

    @Test
    void waitForSilence() {
        StepVerifier.withVirtualTime(() -> heartbeats()
                        .among(Flux.interval(SECOND).take(30).map(i -> buffer("frame")), Mono.never())
                        .map(HeartbeatsTest::text))
                .thenAwait(SECOND.multipliedBy(31))
                .expectNextSequence(Stream.generate(() -> "frame").limit(30).toList())
                .expectComplete()
                .verify(PATIENCE);
    }

    @Test
    void doNotPileUpBeforeAReaderWhoTakesNothing() {
        StepVerifier.withVirtualTime(
                        () -> heartbeats().among(Flux.never(), Mono.never()).map(HeartbeatsTest::text), 0)
                .thenAwait(SECOND.multipliedBy(1000))
                .thenRequest(10)
                .expectNextSequence(List.of("beat"))
                .expectNoEvent(SECOND)
                .thenCancel()
                .verify(PATIENCE);
    }

    private static Heartbeats heartbeats() {
        return new Heartbeats(
                SECOND.multipliedBy(15),
                () -> buffer("beat"),
                () -> VirtualTimeScheduler.get().now(NANOSECONDS));
    }

    private static DataBuffer buffer(String text) {
        return DefaultDataBufferFactory.sharedInstance.wrap(text.getBytes(StandardCharsets.UTF_8));
    }

    private static String text(DataBuffer buffer) {
        return buffer.toString(StandardCharsets.UTF_8);
    }
}
