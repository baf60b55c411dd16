package dev.localllm.api.stream;

import static org.assertj.core.api.Assertions.assertThat;

import dev.localllm.api.FakeQueued;
import dev.localllm.api.failure.FailureResponse;
import dev.localllm.api.memory.ByteBudget;
import dev.localllm.core.admission.Place;
import dev.localllm.core.chat.ChatEvent;
import dev.localllm.core.chat.ChatEvent.Finished;
import dev.localllm.core.chat.ChatEvent.TextDelta;
import dev.localllm.core.chat.FinishReason;
import dev.localllm.core.chat.JsonText;
import dev.localllm.core.chat.Timings;
import dev.localllm.core.chat.Usage;
import dev.localllm.core.failure.LlmException;
import dev.localllm.core.failure.LlmFailure;
import dev.localllm.core.failure.LlmFailure.DeadlineExceeded;
import dev.localllm.core.failure.LlmFailure.ShuttingDown;
import dev.localllm.core.failure.LlmFailure.UpstreamFailed;
import io.netty.buffer.UnpooledByteBufAllocator;
import io.netty.channel.embedded.EmbeddedChannel;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.reactivestreams.Subscription;
import org.springframework.core.io.buffer.DataBuffer;
import org.springframework.core.io.buffer.DataBufferUtils;
import org.springframework.core.io.buffer.NettyDataBuffer;
import org.springframework.core.io.buffer.NettyDataBufferFactory;
import reactor.core.publisher.BaseSubscriber;
import reactor.core.publisher.Sinks;
import reactor.test.publisher.TestPublisher;

/** Streams of a test wire, on an event loop with a manual clock. */
class AnswerStreamTest {

    private static final String BEAT = "beat\n";
    private static final Duration SECOND = Duration.ofSeconds(1);
    private static final Duration INTERVAL = SECOND.multipliedBy(15);
    private static final Duration TOTAL = SECOND.multipliedBy(60);

    private final EmbeddedChannel channel = new EmbeddedChannel();
    private final UnpooledByteBufAllocator allocator = new UnpooledByteBufAllocator(false);
    private final NettyDataBufferFactory buffers = new NettyDataBufferFactory(allocator) {
        @Override
        public NettyDataBuffer allocateBuffer(int initialCapacity) {
            if (shortage != null) {
                throw shortage;
            }
            return super.allocateBuffer(initialCapacity);
        }
    };
    private final ByteBudget budget = new ByteBudget(10_000);
    private final Sinks.Empty<Void> serverStop = Sinks.empty();
    private final TestPublisher<List<ChatEvent>> source = TestPublisher.create();
    private final Client client = new Client();
    private @Nullable Place place;
    private @Nullable Error shortage; // stands for an OutOfMemoryError, which would end the test run
    private final AnswerStream answers = new AnswerStream(
            new Timeouts(TOTAL, TOTAL, INTERVAL, listener -> serverStop.asMono().subscribe(null, listener)),
            new ReadAhead(1000, budget));

    @BeforeEach
    void stopTheClock() {
        channel.freezeTime();
    }

    @AfterEach
    void assertEverythingIsReleased() {
        assertThat(allocator.metric().usedHeapMemory()).as("buffers").isZero();
        assertThat(budget.used()).isZero();
        assertThat(channel.runScheduledPendingTasks()).as("a timer").isEqualTo(-1);
        assertThat(serverStop.currentSubscriberCount()).isZero();
        assertThat(channel.pipeline().names()).noneMatch(name -> name.startsWith("OpenStream"));
        channel.finishAndReleaseAll();
    }

    @Test
    void writesEventsInTheFormatOfTheWire() {
        open(null);
        source.next(List.of(text("a"), text("b")));
        source.next(List.of(new Finished(FinishReason.STOP, new Usage(1, null, 2), Timings.ZERO)));
        source.complete();

        assertThat(client.frames).containsExactly("{\"text\":\"a\"}\n{\"text\":\"b\"}\n", "{\"done\":true}\n");
        assertThat(client.completed).isTrue();
    }

    @Test
    void sendsAHeartbeatAfterFiveSecondsAndThenAtItsInterval() {
        open(BEAT);

        advance(SECOND.multipliedBy(5).minusMillis(1));
        assertThat(client.frames).isEmpty();
        advance(Duration.ofMillis(1));
        assertThat(client.frames).containsExactly(BEAT);
        advance(INTERVAL.minusMillis(1));
        assertThat(client.frames).hasSize(1);
        advance(Duration.ofMillis(1));
        assertThat(client.frames).containsExactly(BEAT, BEAT);
        client.cancel();
    }

    @Test
    void sendsHeartbeatsOnlyWhileSilent() {
        open(BEAT);
        for (int i = 0; i < 30; i++) {
            advance(SECOND);
            source.next(List.of(text("a")));
        }
        assertThat(client.frames).hasSize(30).doesNotContain(BEAT);
        advance(INTERVAL.minusMillis(1));
        assertThat(client.frames).hasSize(30);
        advance(Duration.ofMillis(1));
        assertThat(client.frames).hasSize(31).endsWith(BEAT);
        client.cancel();
    }

    @Test
    void queuesNoHeartbeatsForAClientThatReadsNothing() {
        client.demand = 0;
        open(BEAT);
        for (int i = 0; i < 59; i++) {
            advance(SECOND);
        }
        client.request(10);
        advance(Duration.ofMillis(1));

        assertThat(client.frames).containsExactly(BEAT);
        client.cancel();
    }

    @Test
    void endsAfterTheTotalTimeoutInSpiteOfHeartbeats() {
        open(BEAT);
        for (int i = 0; i < 59; i++) {
            advance(SECOND);
        }
        advance(Duration.ofMillis(999));
        assertThat(client.completed).isFalse();
        advance(Duration.ofMillis(1));

        assertThat(client.frames).containsExactly(BEAT, BEAT, BEAT, BEAT, "{\"error\":\"total_timeout\"}\n");
        assertThat(client.completed).isTrue();
        source.assertCancelled();
    }

    @Test
    void failsTheResponseBeforeTheFirstFrame() {
        open(null);
        advance(TOTAL);

        assertThat(client.frames).isEmpty();
        assertThat(client.failure()).isInstanceOf(DeadlineExceeded.class);
        source.assertCancelled();
    }

    @Test
    void sendsAnErrorFrameWhenTheServerStops() {
        open(null);
        source.next(List.of(text("a")));
        serverStop.tryEmitError(new LlmException(new ShuttingDown()));

        assertThat(client.frames).containsExactly("{\"text\":\"a\"}\n", "{\"error\":\"shutting_down\"}\n");
        assertThat(client.completed).isTrue();
        source.assertCancelled();
    }

    @Test
    void failsAtOnceAfterTheServerHasStopped() {
        serverStop.tryEmitError(new LlmException(new ShuttingDown()));
        open(null);

        assertThat(client.failure()).isInstanceOf(ShuttingDown.class);
    }

    @Test
    void sendsAFailureAfterTheWaitingFrames() {
        open(null);
        block(true);
        source.next(List.of(text("a")));
        source.next(List.of(text("b")));
        source.error(new LlmException(new UpstreamFailed("no")));
        assertThat(client.frames).isEmpty();
        block(false);

        assertThat(client.frames)
                .containsExactly("{\"text\":\"a\"}\n", "{\"text\":\"b\"}\n", "{\"error\":\"upstream_failed\"}\n");
        assertThat(client.completed).isTrue();
    }

    @Test
    void acceptsNoEventsAfterTheTotalTimeout() {
        open(null);
        block(true);
        source.next(List.of(text("a")));
        advance(TOTAL);
        source.next(List.of(text("late")));
        block(false);

        assertThat(client.frames).containsExactly("{\"text\":\"a\"}\n", "{\"error\":\"total_timeout\"}\n");
    }

    @Test
    void sendsAFailureIfTheEncoderFails() {
        open(null);
        source.next(List.of(text("a")));
        source.next(List.of());

        assertThat(client.frames).containsExactly("{\"text\":\"a\"}\n", "{\"error\":\"internal_error\"}\n");
        source.assertCancelled();
    }

    @Test
    void endsWhenMemoryRunsOut() {
        shortage = new InternalError("no memory");
        open(null);
        source.next(List.of(text("a")));

        assertThat(client.fault).isSameAs(shortage);
        source.assertCancelled();
    }

    @Test
    void endsIfAHeartbeatCannotBeEncoded() {
        shortage = new InternalError("no memory");
        open(BEAT);
        advance(SECOND.multipliedBy(5));

        assertThat(client.fault).isSameAs(shortage);
        source.assertCancelled();
    }

    @Test
    void addsNothingToAnAnswerThatIsComplete() {
        open(null);
        source.next(List.of(new Finished(FinishReason.STOP, new Usage(1, null, 2), Timings.ZERO)));
        serverStop.tryEmitError(new LlmException(new ShuttingDown()));

        assertThat(client.frames).containsExactly("{\"done\":true}\n");
        assertThat(client.completed).isTrue();
        source.assertCancelled();
    }

    @Test
    void failsIfTheErrorFrameCannotBeEncoded() {
        open(null);
        source.next(List.of(text("a")));
        shortage = new InternalError("no memory");
        source.next(List.of(text("b")));

        assertThat(client.frames).containsExactly("{\"text\":\"a\"}\n");
        assertThat(client.fault).isSameAs(shortage);
        source.assertCancelled();
    }

    @Test
    void releasesWaitingFramesWhenTheClientLeaves() {
        open(BEAT);
        block(true);
        source.next(List.of(text("a")));
        client.cancel();

        assertThat(client.frames).isEmpty();
        source.assertCancelled();
    }

    @Test
    void doesNotCancelAfterTheEnd() {
        OpenStream stream = open(null);
        source.complete();
        stream.cancel();

        source.assertNotCancelled();
    }

    @Test
    void tellsThePlaceInTheQueueAtTheHeartbeatsPaceAndWhenItChanges() {
        place = new Place(3, null, false);
        OpenStream stream = open("\n");
        advance(Duration.ofMillis(4999));
        assertThat(client.frames).as("commits no response early").isEmpty();
        advance(Duration.ofMillis(1));
        assertThat(client.frames).containsExactly("{\"position\":3}\n");

        advance(Duration.ofSeconds(1));
        assertThat(client.frames).hasSize(1);
        place = new Place(2, null, false);
        advance(Duration.ofSeconds(1));
        assertThat(client.frames).containsExactly("{\"position\":3}\n", "{\"position\":2}\n");
        advance(INTERVAL);
        assertThat(client.frames).hasSize(3).endsWith("{\"position\":2}\n");

        place = null;
        advance(Duration.ofSeconds(1));
        assertThat(client.frames).hasSize(3);
        advance(INTERVAL);
        assertThat(client.frames).hasSize(4).endsWith("\n");
        stream.cancel();
    }

    private OpenStream open(@Nullable String heartbeat) {
        NdjsonEncoder encoder = new NdjsonEncoder(buffers, heartbeat);
        AtomicReference<@Nullable OpenStream> open = new AtomicReference<>();
        answers.frames(
                        source.flux(),
                        new FakeQueued() {
                            @Override
                            public @Nullable Place place() {
                                return place;
                            }
                        },
                        encoder,
                        fault -> encoder.failure(FailureResponse.of(fault, "id-1")),
                        channel,
                        open)
                .subscribe(client);
        return Objects.requireNonNull(open.get());
    }

    private void advance(Duration time) {
        channel.advanceTimeBy(time.toNanos(), TimeUnit.NANOSECONDS);
        channel.runScheduledPendingTasks();
    }

    /** Makes the connection unwritable, or writable again. */
    private void block(boolean blocked) {
        channel.unsafe().outboundBuffer().setUserDefinedWritability(1, !blocked);
        channel.runPendingTasks();
    }

    private static TextDelta text(String text) {
        return new TextDelta(JsonText.of(text));
    }

    private static final class Client extends BaseSubscriber<DataBuffer> {

        private final List<String> frames = new ArrayList<>();
        private long demand = Long.MAX_VALUE;
        private @Nullable Throwable fault;
        private boolean completed;

        @Override
        protected void hookOnSubscribe(Subscription subscription) {
            if (demand > 0) {
                request(demand);
            }
        }

        @Override
        protected void hookOnNext(DataBuffer frame) {
            frames.add(frame.toString(StandardCharsets.UTF_8));
            DataBufferUtils.release(frame);
        }

        @Override
        protected void hookOnError(Throwable thrown) {
            fault = thrown;
        }

        @Override
        protected void hookOnComplete() {
            completed = true;
        }

        private @Nullable LlmFailure failure() {
            return fault instanceof LlmException e ? e.failure() : null;
        }
    }
}
