package dev.localllm.api.stream;

import static org.assertj.core.api.Assertions.assertThat;

import dev.localllm.api.connection.TimedCollector;
import dev.localllm.core.failure.Deadline;
import dev.localllm.core.failure.LlmException;
import dev.localllm.core.failure.LlmFailure.DeadlineExceeded;
import dev.localllm.core.failure.LlmFailure.ShuttingDown;
import io.netty.channel.embedded.EmbeddedChannel;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import reactor.core.publisher.Sinks;
import reactor.test.publisher.TestPublisher;

/** Non-streaming responses, on an event loop with a manual clock. */
class TimeoutsTest {

    private final EmbeddedChannel channel = new EmbeddedChannel();
    private final Sinks.Empty<Void> serverStop = Sinks.empty();
    private final TestPublisher<String> response = TestPublisher.create();
    private final AtomicReference<@Nullable Object> end = new AtomicReference<>();

    @BeforeEach
    void begin() {
        channel.freezeTime();
        Timeouts timeouts = new Timeouts(
                Duration.ofHours(1),
                Duration.ofSeconds(90),
                Duration.ofSeconds(15),
                listener -> serverStop.asMono().subscribe(null, listener));
        StringBuilder text = new StringBuilder();
        TimedCollector.collect(
                        response.flux(),
                        text::append,
                        text::toString,
                        timeouts.nonStreaming(channel.eventLoop(), "Use stream:true."))
                .subscribe(end::set, end::set);
    }

    @AfterEach
    void leavesNoTimer() {
        assertThat(channel.runScheduledPendingTasks()).isEqualTo(-1);
        assertThat(serverStop.currentSubscriberCount()).isZero();
        channel.finishAndReleaseAll();
    }

    @Test
    void letsAResponseBe() {
        pass(89_999);
        assertThat(end).hasValue(null);

        response.emit("a");

        assertThat(end).hasValue("a");
    }

    @Test
    void cancelsAResponseThatTakesTooLong() {
        pass(90_000);

        response.assertCancelled();
        assertThat(end.get())
                .isInstanceOfSatisfying(
                        LlmException.class,
                        e -> assertThat(e.failure()).isInstanceOfSatisfying(DeadlineExceeded.class, failure -> {
                            assertThat(failure.deadline()).isEqualTo(Deadline.TOTAL);
                            assertThat(failure.message()).contains(" 90 s").contains("stream:true");
                        }));
    }

    @Test
    void cancelsAResponseWhenTheServerStops() {
        assertThat(serverStop.tryEmitError(new LlmException(new ShuttingDown())))
                .isEqualTo(Sinks.EmitResult.OK);

        response.assertCancelled();
        assertThat(end.get())
                .isInstanceOfSatisfying(
                        LlmException.class, e -> assertThat(e.failure()).isEqualTo(new ShuttingDown()));
    }

    private void pass(long millis) {
        channel.advanceTimeBy(millis, TimeUnit.MILLISECONDS);
        channel.runScheduledPendingTasks();
    }
}
