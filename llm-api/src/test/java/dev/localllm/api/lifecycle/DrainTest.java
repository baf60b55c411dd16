package dev.localllm.api.lifecycle;

import static org.assertj.core.api.Assertions.assertThat;

import dev.localllm.core.failure.LlmException;
import dev.localllm.core.failure.LlmFailure.ShuttingDown;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import reactor.core.Disposable;
import reactor.test.scheduler.VirtualTimeScheduler;

class DrainTest {

    private static final Duration TIMEOUT = Duration.ofSeconds(30);

    private final List<Throwable> aborted = new ArrayList<>();
    private final AtomicInteger stops = new AtomicInteger();
    private VirtualTimeScheduler time;
    private Drain drain;

    @BeforeEach
    void start() {
        time = VirtualTimeScheduler.getOrSet();
        drain = new Drain(TIMEOUT, stops::incrementAndGet);
        drain.start();
    }

    @AfterEach
    void resetTime() {
        VirtualTimeScheduler.reset();
    }

    @Test
    void abortsRunningAnswersWhenTheTimeoutHasExpired() {
        drain.onExpired(reason -> {
            throw new IllegalStateException("must not keep the others from ending");
        });
        drain.onExpired(aborted::add);
        Disposable ended = drain.onExpired(aborted::add);
        ended.dispose();

        drain.stop();
        assertThat(stops).hasValue(1);
        time.advanceTimeBy(TIMEOUT.minusMillis(1));
        assertThat(aborted).isEmpty();
        time.advanceTimeBy(Duration.ofMillis(1));

        assertThat(aborted).hasSize(1).allSatisfy(DrainTest::isShuttingDown);
    }

    @Test
    void abortsAnAnswerThatBeginsLater() {
        drain.stop();
        time.advanceTimeBy(TIMEOUT);

        drain.onExpired(aborted::add);

        assertThat(aborted).hasSize(1).allSatisfy(DrainTest::isShuttingDown);
    }

    private static void isShuttingDown(Throwable fault) {
        assertThat(fault)
                .isInstanceOfSatisfying(
                        LlmException.class, e -> assertThat(e.failure()).isEqualTo(new ShuttingDown()));
    }
}
