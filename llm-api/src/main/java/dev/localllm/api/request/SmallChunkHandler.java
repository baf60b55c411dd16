package dev.localllm.api.request;

import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.handler.codec.http.HttpContent;
import io.netty.handler.codec.http.LastHttpContent;
import io.netty.util.concurrent.FastThreadLocal;
import java.util.concurrent.TimeUnit;

/**
 * Limits the part of an event loop's time that goes into bodies in small chunks: each costs the server about as much as
 * a large one. A connection that sends many of them is read from more slowly, the more so the more such connections
 * its event loop has. To stand right behind the HTTP codec.
 */
public final class SmallChunkHandler extends ChannelInboundHandlerAdapter {

    private static final int SMALL_BYTES = 64;

    /** Small chunks of one read that are let pass: many clients end a body with one or send its JSON in a few. */
    private static final int FREE_CHUNKS = 64;

    /** About ten times what it costs, so that a tenth of the event loop's time is spent on them. */
    private static final long NANOS_PER_CHUNK = TimeUnit.MICROSECONDS.toNanos(8);

    /** Of each event loop: the time at which it may turn to the next small chunks, in ticker nanoseconds. */
    private static final FastThreadLocal<long[]> FREE_AT = new FastThreadLocal<>() {
        @Override
        protected long[] initialValue() {
            return new long[1];
        }
    };

    private int smallChunks;

    @Override
    public void channelRead(ChannelHandlerContext ctx, Object message) {
        if (message instanceof HttpContent chunk
                && !(message instanceof LastHttpContent)
                && chunk.content().readableBytes() < SMALL_BYTES) {
            smallChunks++;
        }
        ctx.fireChannelRead(message);
    }

    @Override
    @SuppressWarnings("FutureReturnValueIgnored") // ends with the connection's event loop
    public void channelReadComplete(ChannelHandlerContext ctx) {
        if (smallChunks > FREE_CHUNKS) {
            long now = ctx.executor().ticker().nanoTime();
            long[] freeAt = FREE_AT.get();
            freeAt[0] = Math.max(now, freeAt[0]) + smallChunks * NANOS_PER_CHUNK;
            ctx.channel().config().setAutoRead(false);
            ctx.executor()
                    .schedule(() -> ctx.channel().config().setAutoRead(true), freeAt[0] - now, TimeUnit.NANOSECONDS);
        }
        smallChunks = 0;
        ctx.fireChannelReadComplete();
    }
}
