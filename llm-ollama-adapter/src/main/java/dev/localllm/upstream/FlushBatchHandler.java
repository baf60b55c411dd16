package dev.localllm.upstream;

import io.netty.channel.ChannelDuplexHandler;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelPromise;
import io.netty.util.concurrent.FastThreadLocal;
import java.util.ArrayDeque;
import java.util.Queue;

/**
 * Flushes the connections of an event loop together, when it has read from all that were ready. A write wakes up the
 * process that reads, which costs more than the write itself; if writes follow each other closely, the process is still
 * awake. Place it next to the head of the pipeline; only handlers that observe real flushes stand before it.
 */
public final class FlushBatchHandler extends ChannelDuplexHandler {

    /** Largest number of connections that wait, so that the first does not wait long. */
    static final int MAX_WAITING = 64;

    private static final FastThreadLocal<Batch> BATCH = new FastThreadLocal<>() {
        @Override
        protected Batch initialValue() {
            return new Batch();
        }
    };

    private boolean waits;

    @Override
    public void flush(ChannelHandlerContext ctx) {
        if (!waits) {
            waits = true;
            BATCH.get().add(ctx);
        }
    }

    /**
     * Flushes what this connection itself has caused: if it has also been half-closed, Netty closes it right after this
     * event, without {@link #close}.
     */
    @Override
    public void channelReadComplete(ChannelHandlerContext ctx) {
        ctx.fireChannelReadComplete();
        flushNow(ctx);
    }

    /** A close would discard what waits. */
    @Override
    public void close(ChannelHandlerContext ctx, ChannelPromise promise) throws Exception {
        flushNow(ctx);
        super.close(ctx, promise);
    }

    private void flushNow(ChannelHandlerContext ctx) {
        if (waits) {
            waits = false;
            ctx.flush();
        }
    }

    /** Connections of one event loop. */
    private static final class Batch implements Runnable {

        private final Queue<ChannelHandlerContext> waiting = new ArrayDeque<>(MAX_WAITING);
        private boolean scheduled;

        void add(ChannelHandlerContext ctx) {
            waiting.add(ctx);
            if (waiting.size() >= MAX_WAITING) {
                flushAll();
            } else if (!scheduled) {
                scheduled = true;
                ctx.executor().execute(this);
            }
        }

        @Override
        public void run() {
            scheduled = false;
            flushAll();
        }

        /** A flush may complete a response, and so start the next one, which is flushed here, too. */
        private void flushAll() {
            for (ChannelHandlerContext ctx = waiting.poll(); ctx != null; ctx = waiting.poll()) {
                ((FlushBatchHandler) ctx.handler()).flushNow(ctx);
            }
        }
    }
}
