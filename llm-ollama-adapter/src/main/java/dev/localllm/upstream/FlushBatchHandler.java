package dev.localllm.upstream;

import io.netty.channel.ChannelDuplexHandler;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelPromise;
import io.netty.util.concurrent.FastThreadLocal;
import java.util.ArrayDeque;
import java.util.Queue;

/**
 * Flushes the connections of an event loop together, after it has read from all that were ready. A write wakes up the
 * process that reads, and waking it up costs more than the write itself: written one right after the other, responses
 * and requests find it awake. Flushes earlier if many connections wait. Place it first in the pipeline.
 */
public final class FlushBatchHandler extends ChannelDuplexHandler {

    /** Connections that wait at most, so that the first of them does not wait long. */
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

    /** Data that waits is flushed: a close would discard it. */
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
