package dev.localllm.api.stream;

import dev.localllm.core.admission.Place;
import dev.localllm.core.admission.Queued;
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
 * One stream from the model server to a client. Signals of the source may arrive on any thread; everything else runs on
 * the event loop of the client's connection. A frame is emitted only while the connection is writable, so the bytes
 * queued in the connection are bounded by its high-water mark.
 */
final class OpenStream extends ChannelInboundHandlerAdapter
        implements CoreSubscriber<List<ChatEvent>>, Subscription, Runnable {

    /** Lists of events requested in advance. */
    static final int WINDOW = 8;

    /** Limit of one burst: the connection's writability does not count writes that are still queued. */
    private static final int MAX_BURST_BYTES = 64 << 10;

    private final CoreSubscriber<? super DataBuffer> client;
    private final Channel channel;
    private final Queued queued;
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
    private volatile @Nullable Throwable serverStops;

    /** The client has cancelled, or has got a terminal signal. */
    private volatile boolean terminated;

    private @Nullable StreamTimer timer;
    private @Nullable Disposable serverStop;
    private boolean timerFired;

    /** Number of arrived lists for which no new list was requested yet. */
    private int unrequested;

    /** What the client was told last. */
    private @Nullable Place told;

    /** True once a frame was emitted: from then on a failure can only be sent as a frame. */
    private boolean started;

    /** True if the last event was encoded. */
    private boolean finished;

    /** No more events are accepted; the stream ends when the buffer is empty. */
    private boolean ending;

    private @Nullable Throwable failure;

    /**
     * @param queued tells what the request waits for
     * @param lastFrame encodes a failure that comes after the first frame
     */
    OpenStream(
            CoreSubscriber<? super DataBuffer> client,
            Channel channel,
            Queued queued,
            StreamEncoder encoder,
            Function<Throwable, DataBuffer> lastFrame,
            Timeouts timeouts,
            ReadAhead readAhead) {
        this.client = client;
        this.channel = channel;
        this.queued = queued;
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
        if (!terminated) {
            terminated = true;
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
            boolean last = sourceEnded; // read before accept, which then sees all lists that came before the end
            accept();
            if (terminated) {
                discard();
            } else {
                endIf(last, sourceFailure);
                checkTimer();
                emitFrames();
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
            unrequested++;
            if (!terminated && !ending) {
                encode(events);
            }
        }
    }

    private void encode(List<ChatEvent> events) {
        try {
            buffer.add(encoder.encode(events));
            finished = events.getLast() instanceof Finished;
        } catch (RuntimeException | Error e) { // the stream must end even if memory runs out
            abort(e);
        }
    }

    /** Checks for shutdown, the total timeout and a due heartbeat. */
    private void checkTimer() {
        if (timer == null) {
            timer = new StreamTimer(channel.eventLoop(), timeouts, this::onTimer);
            serverStop = timeouts.serverStop().listen(this::stop);
        }
        Throwable stop = serverStops;
        if (stop != null) {
            abort(stop);
        }
        if (timerFired) {
            timerFired = false;
            if (timer.isTotalTimeoutExceeded()) {
                abort(timeouts.streamingExceeded());
                return;
            }
            Place now = queued.place();
            if (timer.isHeartbeatDue() || (started && now != null && hasMoved(now))) {
                addHeartbeat(now);
                timer.sent();
            }
            timer.schedule(now != null);
        }
    }

    private boolean hasMoved(Place now) {
        Place before = told;
        return before == null || before.position() != now.position() || before.loading() != now.loading();
    }

    private void onTimer() {
        timerFired = true;
        schedule();
    }

    private void stop(Throwable reason) {
        serverStops = reason;
        schedule();
    }

    /** Adds a heartbeat unless frames are waiting: then the client is slow, and the stream is not silent. */
    private void addHeartbeat(@Nullable Place now) {
        if (!buffer.isEmpty() || ending) {
            return;
        }
        try {
            DataBuffer heartbeat = encoder.heartbeat(now);
            if (heartbeat != null) {
                buffer.add(heartbeat);
                told = now;
            }
        } catch (RuntimeException | Error e) { // as in encode
            abort(e);
        }
    }

    /** Cancels the source and ends the stream: with the failure, unless the last event was encoded. */
    private void abort(Throwable fault) {
        if (!ending) {
            cancelSource();
            endIf(true, finished ? null : fault);
        }
    }

    /** Starts to end the stream if {@code ends}. A failure becomes a frame if any frame comes before it. */
    private void endIf(boolean ends, @Nullable Throwable fault) {
        if (!ends || ending) {
            return;
        }
        ending = true;
        failure = fault != null && (started || !buffer.isEmpty()) ? addLastFrame(fault) : fault;
    }

    /** @return null, or the error that prevented encoding the frame */
    private @Nullable Throwable addLastFrame(Throwable fault) {
        try {
            buffer.add(lastFrame.apply(fault));
            return null;
        } catch (RuntimeException | Error e) {
            return e;
        }
    }

    private void emitFrames() {
        int burst = 0;
        while (!buffer.isEmpty() && requested.get() > 0 && channel.isWritable() && !terminated) {
            if (burst > MAX_BURST_BYTES) {
                channel.eventLoop().execute(this::schedule);
                return;
            }
            DataBuffer frame = buffer.remove();
            burst += frame.readableByteCount();
            requested.decrementAndGet();
            started = true;
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
        if (unrequested > 0 && !ending && buffer.hasRoom()) {
            int count = unrequested;
            unrequested = 0;
            source.get().request(count);
        }
    }

    private void end() {
        if (terminated) {
            return;
        }
        terminated = true;
        cleanUp();
        if (failure == null) {
            client.onComplete();
        } else {
            client.onError(failure);
        }
    }

    private void discard() {
        buffer.releaseAll();
        buffer.updateBudget();
        cleanUp();
    }

    /** Cancels at most once, and not after the source's end. */
    private void cancelSource() {
        Subscription open = source.getAndSet(Operators.cancelledSubscription());
        if (!sourceEnded) {
            open.cancel();
        }
    }

    private void cleanUp() {
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
