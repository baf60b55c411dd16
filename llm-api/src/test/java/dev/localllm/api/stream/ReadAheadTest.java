package dev.localllm.api.stream;

import static org.assertj.core.api.Assertions.assertThat;

import dev.localllm.api.FakeQueued;
import dev.localllm.api.failure.FailureResponse;
import dev.localllm.api.memory.ByteBudget;
import dev.localllm.core.admission.Place;
import dev.localllm.core.chat.ChatEvent;
import dev.localllm.core.chat.ChatEvent.TextDelta;
import dev.localllm.core.chat.JsonText;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.UnpooledByteBufAllocator;
import io.netty.channel.embedded.EmbeddedChannel;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.springframework.core.io.buffer.DataBuffer;
import org.springframework.core.io.buffer.DataBufferUtils;
import org.springframework.core.io.buffer.NettyDataBuffer;
import org.springframework.core.io.buffer.NettyDataBufferFactory;
import org.springframework.http.MediaType;
import reactor.core.Disposables;
import reactor.core.publisher.Flux;
import reactor.test.StepVerifier;
import reactor.test.publisher.TestPublisher;

class ReadAheadTest {

    private static final Duration TIMEOUT = Duration.ofSeconds(5);
    private static final int FRAME = 100;
    private static final int BROKEN = -1;

    private final EmbeddedChannel channel = new EmbeddedChannel();
    private final ByteBudget budget = new ByteBudget(10_000);
    private final TestPublisher<List<ChatEvent>> source = TestPublisher.create();
    private final NettyDataBufferFactory buffers = new NettyDataBufferFactory(UnpooledByteBufAllocator.DEFAULT);
    private final AtomicLong requested = new AtomicLong();
    private long leastRequested = Long.MAX_VALUE;
    private final List<ByteBuf> made = new ArrayList<>();

    @AfterEach
    void everyFrameWasReleased() {
        assertThat(made).allSatisfy(frame -> assertThat(frame.refCnt()).isZero());
        assertThat(budget.used()).isZero();
        assertThat(leastRequested).isPositive();
        assertThat(channel.pipeline().names()).noneMatch(name -> name.startsWith("OpenStream"));
        channel.finishAndReleaseAll();
    }

    @Test
    void emitsFramesAtOnceToAClientThatKeepsUp() {
        StepVerifier.create(frames(1000))
                .then(() -> emit(0, 20))
                .expectNext(numbers(0, 20))
                .then(() -> assertThat(budget.used()).isZero())
                .then(source::complete)
                .expectComplete()
                .verify(TIMEOUT);
    }

    @Test
    void readsAheadWhileTheClientReadsNothing() {
        blockClient();
        StepVerifier.create(frames(10_000))
                .then(() -> emit(0, 18))
                .then(() -> assertThat(budget.used()).isEqualTo(18 * FRAME))
                .then(source::complete)
                .then(this::unblockClient)
                .expectNext(numbers(0, 18))
                .expectComplete()
                .verify(TIMEOUT);
    }

    @Test
    void appliesBackpressureWhenItsBufferIsFull() {
        isRequestedNoMoreThan(10, 1000);
    }

    /** Other connections of the event loop get a turn after 64 KB. */
    @Test
    void emitsALargeBufferInBursts() {
        int maxBytes = 70_000;
        int count = maxBytes / FRAME;
        int burst = (64 << 10) / FRAME + 1;
        List<Integer> emitted = new ArrayList<>();
        AtomicLong firstBurst = new AtomicLong();
        budget.take(-maxBytes);
        blockClient();
        StepVerifier.create(frames(maxBytes).doOnNext(emitted::add).then())
                .then(() -> emit(0, count))
                .then(() -> channel.unsafe().outboundBuffer().setUserDefinedWritability(1, true))
                .then(() -> channel.eventLoop().execute(() -> firstBurst.set(emitted.size())))
                .then(channel::runPendingTasks)
                .then(() -> assertThat(emitted).containsExactly(numbers(0, count)))
                .then(source::complete)
                .expectComplete()
                .verify(TIMEOUT);
        budget.release(-maxBytes);
        assertThat(firstBurst).hasValue(burst);
    }

    @Test
    void appliesBackpressureWhenTheSharedBudgetIsUsedUp() {
        budget.take(10_000 - 3 * FRAME);
        isRequestedNoMoreThan(3, 10_000);
        budget.release(10_000 - 3 * FRAME);
    }

    /** The source may send its window, plus one frame for each frame that fits into the buffer. */
    private void isRequestedNoMoreThan(int fitting, int maxBytes) {
        int most = fitting - 1 + OpenStream.WINDOW;
        blockClient();
        StepVerifier.create(frames(maxBytes))
                .then(() -> emit(0, most))
                .then(() -> assertThat(requested.get()).isEqualTo(most))
                .then(this::unblockClient)
                .expectNext(numbers(0, most))
                .then(() -> assertThat(requested.get()).isEqualTo(most + OpenStream.WINDOW))
                .then(source::complete)
                .expectComplete()
                .verify(TIMEOUT);
    }

    @Test
    void sendsAFailureAfterTheEarlierFrames() {
        blockClient();
        StepVerifier.create(frames(1000))
                .then(() -> emit(0, 5))
                .then(() -> source.error(new IllegalStateException("broken")))
                .then(this::unblockClient)
                .expectNext(numbers(0, 5))
                .expectNext(BROKEN)
                .expectComplete()
                .verify(TIMEOUT);
    }

    @Test
    void releasesBufferedFramesWhenTheClientLeaves() {
        blockClient();
        StepVerifier.create(frames(1000)).then(() -> emit(0, 5)).thenCancel().verify(TIMEOUT);
        source.assertCancelled();
    }

    @Test
    void emitsNoMoreThanRequested() {
        StepVerifier.create(frames(1000), 2)
                .then(() -> emit(0, 5))
                .expectNext(numbers(0, 2))
                .then(() -> assertThat(budget.used()).isEqualTo(3 * FRAME))
                .thenRequest(3)
                .expectNext(numbers(2, 5))
                .then(source::complete)
                .expectComplete()
                .verify(TIMEOUT);
    }

    private Flux<Integer> frames(int maxBytes) {
        Timeouts timeouts = new Timeouts(TIMEOUT, TIMEOUT, TIMEOUT, listener -> Disposables.disposed());
        return new AnswerStream(timeouts, new ReadAhead(maxBytes, budget))
                .frames(
                        source.flux().doOnRequest(this::requested),
                        new FakeQueued(),
                        new Frames(),
                        fault -> frame(BROKEN),
                        channel,
                        new AtomicReference<>())
                .map(ReadAheadTest::number);
    }

    private void requested(long count) {
        requested.addAndGet(count);
        leastRequested = Math.min(leastRequested, count);
    }

    private static int number(DataBuffer frame) {
        int number = ((NettyDataBuffer) frame).getNativeBuffer().readInt();
        DataBufferUtils.release(frame);
        return number;
    }

    private static Integer[] numbers(int from, int to) {
        return IntStream.range(from, to).boxed().toArray(Integer[]::new);
    }

    private void emit(int from, int to) {
        for (int i = from; i < to; i++) {
            source.next(List.of(new TextDelta(JsonText.of(Integer.toString(i)))));
        }
    }

    private DataBuffer frame(int number) {
        ByteBuf frame =
                UnpooledByteBufAllocator.DEFAULT.buffer().writeInt(number).writeZero(FRAME - Integer.BYTES);
        made.add(frame);
        return buffers.wrap(frame);
    }

    /** Frames of 100 bytes each, with the number from the events' text. */
    private final class Frames implements StreamEncoder {

        @Override
        public MediaType contentType() {
            return MediaType.APPLICATION_OCTET_STREAM;
        }

        @Override
        public DataBuffer encode(List<ChatEvent> events) {
            return frame(Integer.parseInt(((TextDelta) events.getFirst()).text().toString()));
        }

        @Override
        public @Nullable DataBuffer heartbeat(@Nullable Place place) {
            return null;
        }

        @Override
        public DataBuffer failure(FailureResponse failure) {
            return frame(BROKEN);
        }
    }

    private void blockClient() {
        channel.unsafe().outboundBuffer().setUserDefinedWritability(1, false);
        channel.runPendingTasks();
    }

    private void unblockClient() {
        channel.unsafe().outboundBuffer().setUserDefinedWritability(1, true);
        channel.runPendingTasks();
    }
}
