package dev.localllm.api.stream;

import dev.localllm.core.chat.ChatEvent;
import dev.localllm.core.chat.ChatEvent.Finished;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.reactivestreams.Subscription;
import org.springframework.core.io.buffer.DataBuffer;
import reactor.core.CoreSubscriber;
import reactor.core.Disposable;
import reactor.core.publisher.Operators;
import reactor.util.concurrent.Queues;
import reactor.util.context.Context;

/**
 * One stream between the model server and a client. Everything but the arrival of signals happens on the event loop of
 * the client's connection. A frame is handed on only while the connection is writable, so that what waits in the
 * connection is bounded by its high-water mark and not by a number of frames.
 */
final class OpenStream extends ChannelInboundHandlerAdapter
        implements CoreSubscriber<List<ChatEvent>>, Subscription, Runnable {

    /** Lists of events that the source may send unasked. */
    static final int WINDOW = 8;

    /** Handed on in one go: a write that is only queued does not make the connection unwritable. */
    private static final int MAX_BURST_BYTES = 64 << 10;

    private final CoreSubscriber<? super DataBuffer> client;
    private final Channel channel;
    private final StreamEncoder encoder;
    private final Function<Throwable, DataBuffer> lastFrame;
    private final Timeouts timeouts;
    private final AtomicInteger work = new AtomicInteger();
    private final AtomicLong requested = new AtomicLong();
    private final Queue<List<ChatEvent>> arrived =
            Queues.<List<ChatEvent>>get(WINDOW).get();
    private final FrameBuffer buffer;
    private final AtomicReference<Subscription> source = new AtomicReference<>(Operators.emptySubscription());
    private @Nullable Throwable sourceFailure;
    private volatile boolean sourceEnded;
    private volatile boolean serverStops;

    /** Cancelled by the client, or its end was told. */
    private volatile boolean over;

    private @Nullable StreamTimer timer;
    private @Nullable Disposable serverStop;
    private boolean awake;

    /** Lists that have arrived and were not yet requested anew. */
    private int withheld;

    /** True once a frame was handed on: from then on a failure can only be told in the stream. */
    private boolean begun;

    /** The last event is encoded. */
    private boolean finished;

    /** No more events are taken; the stream is over when the buffer is empty. */
    private boolean ending;

    private @Nullable Throwable failure;

    /** @param lastFrame made of a failure after the first frame */
    OpenStream(
            CoreSubscriber<? super DataBuffer> client,
            Channel channel,
            StreamEncoder encoder,
            Function<Throwable, DataBuffer> lastFrame,
            Timeouts timeouts,
            ReadAhead readAhead) {
        this.client = client;
        this.channel = channel;
        this.encoder = encoder;
        this.lastFrame = lastFrame;
        this.timeouts = timeouts;
        this.buffer = new FrameBuffer(readAhead);
    }

    @Override
    public Context currentContext() {
        return client.currentContext();
    }

    @Override
    public void onSubscribe(Subscription subscription) {
        source.set(subscription);
        channel.pipeline().addFirst(this);
        client.onSubscribe(this);
        subscription.request(WINDOW);
        schedule();
    }

    @Override
    public void onNext(List<ChatEvent> events) {
        if (!arrived.offer(events)) {
            throw new IllegalStateException("more lists of events than were requested");
        }
        schedule();
    }

    @Override
    public void onError(Throwable fault) {
        sourceFailure = fault;
        onComplete();
    }

    @Override
    public void onComplete() {
        sourceEnded = true;
        schedule();
    }

    @Override
    public void request(long count) {
        requested.accumulateAndGet(count, Operators::addCap);
        schedule();
    }

    @Override
    public void cancel() {
        if (!over) {
            over = true;
            cancelSource();
            schedule();
        }
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
            boolean last = sourceEnded; // before accept: whatever came before the end has arrived then
            accept();
            if (over) {
                discard();
            } else {
                endIf(last, sourceFailure);
                watch();
                handOn();
                buffer.updateBudget();
                if (ending && buffer.isEmpty()) {
                    end();
                } else {
                    requestMore();
                }
            }
            done = work.addAndGet(-done);
        }
    }

    private void accept() {
        for (List<ChatEvent> events = arrived.poll(); events != null; events = arrived.poll()) {
            withheld++;
            if (!over && !ending) {
                encode(events);
            }
        }
    }

    private void encode(List<ChatEvent> events) {
        try {
            buffer.add(encoder.encode(events));
            finished = events.getLast() instanceof Finished;
        } catch (RuntimeException | Error e) { // memory may be short: the stream must end all the same
            abort(e);
        }
    }

    /** Looks for what ends a stream early, and for silence. */
    private void watch() {
        if (timer == null) {
            timer = new StreamTimer(channel.eventLoop(), timeouts, this::wakeUp);
            serverStop = timeouts.serverStop().subscribe(null, null, this::stop);
        }
        if (serverStops) {
            abort(Timeouts.serverStops());
        }
        if (awake) {
            awake = false;
            if (timer.isTimeOver()) {
                abort(timeouts.streamingExceeded());
                return;
            }
            if (timer.isHeartbeatDue()) {
                beat();
                timer.sent();
            }
            timer.sleep();
        }
    }

    private void wakeUp() {
        awake = true;
        schedule();
    }

    private void stop() {
        serverStops = true;
        schedule();
    }

    /** Where something waits already, the client reads too slowly for that. */
    private void beat() {
        if (!buffer.isEmpty() || ending) {
            return;
        }
        try {
            DataBuffer heartbeat = encoder.heartbeat();
            if (heartbeat != null) {
                buffer.add(heartbeat);
            }
        } catch (RuntimeException | Error e) { // as in encode
            abort(e);
        }
    }

    /** Nothing follows the last event, not even a failure. */
    private void abort(Throwable fault) {
        if (!ending) {
            cancelSource();
            endIf(true, finished ? null : fault);
        }
    }

    /** A failure becomes a frame if others go before it. */
    private void endIf(boolean ends, @Nullable Throwable fault) {
        if (!ends || ending) {
            return;
        }
        ending = true;
        failure = fault != null && (begun || !buffer.isEmpty()) ? addLastFrame(fault) : fault;
    }

    /** @return what kept it from being written; null if it was */
    private @Nullable Throwable addLastFrame(Throwable fault) {
        try {
            buffer.add(lastFrame.apply(fault));
            return null;
        } catch (RuntimeException | Error e) {
            return e;
        }
    }

    private void handOn() {
        int burst = 0;
        while (!buffer.isEmpty() && requested.get() > 0 && channel.isWritable() && !over) {
            if (burst > MAX_BURST_BYTES) {
                channel.eventLoop().execute(this::schedule);
                return;
            }
            DataBuffer frame = buffer.remove();
            burst += frame.readableByteCount();
            requested.decrementAndGet();
            begun = true;
            sent();
            client.onNext(frame);
        }
    }

    private void sent() {
        if (timer != null) {
            timer.sent();
        }
    }

    private void requestMore() {
        if (withheld > 0 && !ending && buffer.hasRoom()) {
            int count = withheld;
            withheld = 0;
            source.get().request(count);
        }
    }

    private void end() {
        if (over) {
            return;
        }
        over = true;
        leave();
        if (failure == null) {
            client.onComplete();
        } else {
            client.onError(failure);
        }
    }

    private void discard() {
        buffer.releaseAll();
        buffer.updateBudget();
        leave();
    }

    /** Once, and not after its end. */
    private void cancelSource() {
        Subscription open = source.getAndSet(Operators.cancelledSubscription());
        if (!sourceEnded) {
            open.cancel();
        }
    }

    private void leave() {
        if (timer != null) {
            timer.cancel();
        }
        if (serverStop != null) {
            serverStop.dispose();
        }
        ChannelHandlerContext own = channel.pipeline().context(this);
        if (own != null) {
            channel.pipeline().remove(this);
        }
    }
}
