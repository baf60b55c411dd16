package dev.localllm.api.connection;

import io.netty.channel.ChannelConfig;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.handler.codec.http.HttpContent;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.LastHttpContent;
import io.netty.util.concurrent.FastThreadLocal;
import java.util.concurrent.TimeUnit;

/**
 * Limits the share of an event loop's time that is spent on small chunks: a small chunk costs about as much as a large
 * one. Pauses reading from a connection that sends many of them; the pause grows with the number of such connections on
 * the event loop. Place it in the pipeline after the HTTP codec and before the readers of bodies.
 */
public final class SmallChunkHandler extends ChannelInboundHandlerAdapter {

    private static final int SMALL_BYTES = 64;

    /** Small chunks per read that cause no pause: many clients send a body in a few, or end it with one. */
    private static final int FREE_CHUNKS = 64;

    /** Pause per small chunk: about ten times its cost, so that small chunks take a tenth of the event loop's time. */
    private static final long NANOS_PER_CHUNK = TimeUnit.MICROSECONDS.toNanos(8);

    private static final long MAX_PAUSE_NANOS = TimeUnit.SECONDS.toNanos(1);

    /** Per event loop: when it may read the next small chunks, in ticker nanoseconds. */
    private static final FastThreadLocal<long[]> FREE_AT = new FastThreadLocal<>() {
        @Override
        protected long[] initialValue() {
            return new long[1];
        }
    };

    private int smallChunks;
    private boolean inBody;

    @Override
    public void channelRead(ChannelHandlerContext ctx, Object message) {
        if (message instanceof LastHttpContent) {
            inBody = false;
        } else if (message instanceof HttpRequest) {
            inBody = true;
        } else if (message instanceof HttpContent chunk && chunk.content().readableBytes() < SMALL_BYTES) {
            smallChunks++;
        }
        ctx.fireChannelRead(message);
    }

    /**
     * Pauses only while auto-read is on: otherwise nobody reads the body, and the end of the pause must not start
     * reading.
     */
    @Override
    @SuppressWarnings("FutureReturnValueIgnored") // the timer ends with the event loop
    public void channelReadComplete(ChannelHandlerContext ctx) {
        ChannelConfig config = ctx.channel().config();
        if (smallChunks > FREE_CHUNKS && inBody && config.isAutoRead()) {
            config.setAutoRead(false);
            ctx.executor()
                    .schedule(
                            () -> config.setAutoRead(true),
                            pause(ctx.executor().ticker().nanoTime()),
                            TimeUnit.NANOSECONDS);
        }
        smallChunks = 0;
        ctx.fireChannelReadComplete();
    }

    private long pause(long now) {
        long[] freeAt = FREE_AT.get();
        long next = Math.max(now, freeAt[0]) + smallChunks * NANOS_PER_CHUNK;
        freeAt[0] = Math.min(next, now + MAX_PAUSE_NANOS);
        return freeAt[0] - now;
    }
}
