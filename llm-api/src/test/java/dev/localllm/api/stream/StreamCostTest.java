package dev.localllm.api.stream;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import dev.localllm.api.FakeQueued;
import dev.localllm.api.memory.ByteBudget;
import dev.localllm.core.chat.ChatEvent;
import dev.localllm.core.chat.ChatEvent.Finished;
import dev.localllm.core.chat.FinishReason;
import dev.localllm.core.chat.Timings;
import dev.localllm.core.chat.Usage;
import io.netty.buffer.PooledByteBufAllocator;
import io.netty.channel.EventLoop;
import io.netty.channel.embedded.EmbeddedChannel;
import java.lang.management.ManagementFactory;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.springframework.core.io.buffer.DataBuffer;
import org.springframework.core.io.buffer.DataBufferUtils;
import org.springframework.core.io.buffer.NettyDataBufferFactory;
import reactor.core.Disposables;
import reactor.core.Scannable;
import reactor.core.publisher.Flux;
import reactor.core.scheduler.Schedulers;

/**
 * Cost of a stream, without its tokens: timers, operators, allocated bytes. Measured on JDK 25: about 2300 bytes with
 * the coverage agent. TokenPathAllocationTest measures the encoder.
 */
@Tag("allocation")
class StreamCostTest {

    private static final int BUDGET_BYTES = 2500;

    private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    private static final List<ChatEvent> END =
            List.of(new Finished(FinishReason.STOP, new Usage(1, null, 1), Timings.ZERO));

    private final NdjsonEncoder encoder =
            new NdjsonEncoder(new NettyDataBufferFactory(PooledByteBufAllocator.DEFAULT), "\n");
    private final AnswerStream answers = new AnswerStream(
            new Timeouts(
                    Duration.ofMinutes(30),
                    Duration.ofMinutes(1),
                    Duration.ofSeconds(15),
                    listener -> Disposables.disposed()),
            new ReadAhead(1000, new ByteBudget(10_000)));
    private final AtomicInteger timers = new AtomicInteger();
    private final EmbeddedChannel channel = new EmbeddedChannel();

    @AfterEach
    void removeTheHook() {
        Schedulers.resetOnScheduleHook("count");
    }

    @Test
    void usesOneTimerOnItsEventLoopOnly() {
        AtomicInteger elsewhere = new AtomicInteger();
        Schedulers.onScheduleHook("count", task -> {
            elsewhere.incrementAndGet();
            return task;
        });
        CountingChannel counting = new CountingChannel(timers);

        stream(counting);

        assertThat(timers).hasValue(1);
        assertThat(elsewhere).hasValue(0);
        counting.finishAndReleaseAll();
    }

    @Test
    void usesOneOperator() {
        Flux<List<ChatEvent>> source = Flux.just(END);

        assertThat(Scannable.from(frames(source, channel)).parents().toList())
                .isEqualTo(List.of(Scannable.from(source)));
        channel.finishAndReleaseAll();
    }

    @Test
    void staysWithinItsBudget() {
        long least = Long.MAX_VALUE;
        for (int round = 0; round < 20; round++) {
            least = Math.min(least, bytesPerStream(1000));
        }
        System.out.println("allocated bytes per stream: " + least);
        assertThat(least).isLessThanOrEqualTo(BUDGET_BYTES);
        channel.finishAndReleaseAll();
    }

    private long bytesPerStream(int streams) {
        long thread = Thread.currentThread().threadId();
        long before = THREADS.getThreadAllocatedBytes(thread);
        for (int i = 0; i < streams; i++) {
            stream(channel);
        }
        return (THREADS.getThreadAllocatedBytes(thread) - before) / streams;
    }

    private void stream(EmbeddedChannel connection) {
        frames(Flux.just(END), connection).subscribe(DataBufferUtils::release);
    }

    private Flux<DataBuffer> frames(Flux<List<ChatEvent>> events, EmbeddedChannel connection) {
        AtomicReference<@Nullable OpenStream> open = new AtomicReference<>();
        return answers.frames(events, new FakeQueued(), encoder, fault -> encoder.heartbeat(null), connection, open);
    }

    /** A channel whose event loop counts its timers. */
    private static final class CountingChannel extends EmbeddedChannel {

        private final AtomicInteger timers;

        CountingChannel(AtomicInteger timers) {
            this.timers = timers;
        }

        @Override
        public EventLoop eventLoop() {
            EventLoop real = super.eventLoop();
            return (EventLoop) Proxy.newProxyInstance(
                    EventLoop.class.getClassLoader(), new Class<?>[] {EventLoop.class}, (proxy, method, arguments) -> {
                        if (method.getName().startsWith("schedule")) {
                            timers.incrementAndGet();
                        }
                        try {
                            return method.invoke(real, arguments);
                        } catch (InvocationTargetException e) {
                            throw e.getCause();
                        }
                    });
        }
    }
}
