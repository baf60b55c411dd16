package dev.localllm.api.stream;

import dev.localllm.api.memory.ByteBudget;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import java.util.ArrayDeque;
import java.util.Queue;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;
import org.reactivestreams.Subscription;
import org.springframework.core.io.buffer.DataBuffer;
import org.springframework.core.io.buffer.DataBufferUtils;
import reactor.core.CoreSubscriber;
import reactor.core.publisher.Operators;
import reactor.util.concurrent.Queues;
import reactor.util.context.Context;

/**
 * The frames of one stream between the model server and a client. Everything but the arrival of signals happens on
 * the event loop of the client's connection. A frame is handed on only while the connection is writable, so that
 * what waits in the connection is bounded by its high-water mark and not by a number of frames.
 */
final class BufferedFrames extends ChannelInboundHandlerAdapter
        implements CoreSubscriber<DataBuffer>, Subscription, Runnable {

    /** Frames that the source may send unasked. */
    static final int WINDOW = 8;

    /** Handed on in one go: a write that is only queued does not make the connection unwritable. */
    private static final int MAX_BURST_BYTES = 64 << 10;

    private final CoreSubscriber<? super DataBuffer> client;
    private final Channel channel;
    private final long maxBytes;
    private final ByteBudget budget;
    private final AtomicInteger work = new AtomicInteger();
    private final AtomicLong requested = new AtomicLong();
    private final Queue<DataBuffer> arrived = Queues.<DataBuffer>get(WINDOW).get();
    private final Queue<DataBuffer> buffered = new ArrayDeque<>();
    private @Nullable Subscription source;
    private long bufferedBytes;
    private long budgetedBytes;

    /** Frames that have arrived and were not yet requested anew. */
    private int withheld;

    private @Nullable Throwable failure;
    private volatile boolean ended;

    /** Cancelled by the client, or its end was told. */
    private volatile boolean over;

    BufferedFrames(CoreSubscriber<? super DataBuffer> client, Channel channel, long maxBytes, ByteBudget budget) {
        this.client = client;
        this.channel = channel;
        this.maxBytes = maxBytes;
        this.budget = budget;
    }

    @Override
    public Context currentContext() {
        return client.currentContext();
    }

    @Override
    public void onSubscribe(Subscription subscription) {
        source = subscription;
        channel.pipeline().addFirst(this);
        client.onSubscribe(this);
        subscription.request(WINDOW);
    }

    @Override
    public void onNext(DataBuffer frame) {
        if (arrived.offer(frame)) {
            schedule();
            return;
        }
        DataBufferUtils.release(frame);
        throw new IllegalStateException("more frames than were requested");
    }

    @Override
    public void onError(Throwable fault) {
        failure = fault;
        onComplete();
    }

    @Override
    public void onComplete() {
        ended = true;
        schedule();
    }

    @Override
    public void request(long count) {
        requested.accumulateAndGet(count, Operators::addCap);
        schedule();
    }

    @Override
    public void cancel() {
        over = true;
        if (source != null) {
            source.cancel();
        }
        schedule();
    }

    @Override
    public void channelWritabilityChanged(ChannelHandlerContext ctx) {
        ctx.fireChannelWritabilityChanged();
        schedule();
    }

    private void schedule() {
        if (work.getAndIncrement() == 0) {
            if (channel.eventLoop().inEventLoop()) {
                run();
            } else {
                channel.eventLoop().execute(this);
            }
        }
    }

    @Override
    public void run() {
        int done = 1;
        while (done != 0) {
            boolean last = ended; // before accept: whatever came before the end has arrived then
            accept();
            if (over) {
                discard();
            } else {
                handOn();
            }
            updateBudget();
            if (last && buffered.isEmpty()) {
                end();
            } else {
                requestMore();
            }
            done = work.addAndGet(-done);
        }
    }

    private void accept() {
        for (DataBuffer frame = arrived.poll(); frame != null; frame = arrived.poll()) {
            buffered.add(frame);
            bufferedBytes += frame.readableByteCount();
            withheld++;
        }
    }

    private void handOn() {
        int burst = 0;
        while (!buffered.isEmpty() && requested.get() > 0 && channel.isWritable() && !over) {
            if (burst > MAX_BURST_BYTES) {
                channel.eventLoop().execute(this::schedule);
                return;
            }
            DataBuffer frame = buffered.remove();
            burst += frame.readableByteCount();
            bufferedBytes -= frame.readableByteCount();
            requested.decrementAndGet();
            client.onNext(frame);
        }
    }

    private void requestMore() {
        boolean room = buffered.isEmpty() || (bufferedBytes < maxBytes && budget.hasRoom());
        if (withheld > 0 && room && source != null) {
            int count = withheld;
            withheld = 0;
            source.request(count);
        }
    }

    /** Only what has to wait is counted: streams whose client keeps up do not touch what all share. */
    private void updateBudget() {
        if (budgetedBytes != bufferedBytes) {
            budget.take(bufferedBytes - budgetedBytes);
            budgetedBytes = bufferedBytes;
        }
    }

    private void end() {
        if (over) {
            return;
        }
        over = true;
        leaveConnection();
        if (failure == null) {
            client.onComplete();
        } else {
            client.onError(failure);
        }
    }

    private void discard() {
        buffered.forEach(DataBufferUtils::release);
        buffered.clear();
        bufferedBytes = 0;
        leaveConnection();
    }

    private void leaveConnection() {
        ChannelHandlerContext own = channel.pipeline().context(this);
        if (own != null) {
            channel.pipeline().remove(this);
        }
    }
}
