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
 * Limits the part of an event loop's time that goes into bodies in small chunks: each costs the server about as much as
 * a large one. A connection that sends many of them is read from more slowly, the more so the more such connections
 * its event loop has. To stand behind the HTTP codec, before whoever reads bodies.
 */
public final class SmallChunkHandler extends ChannelInboundHandlerAdapter {

    private static final int SMALL_BYTES = 64;

    /** Small chunks of one read that are let pass: many clients end a body with one or send its JSON in a few. */
    private static final int FREE_CHUNKS = 64;

    /** About ten times what it costs, so that a tenth of the event loop's time is spent on them. */
    private static final long NANOS_PER_CHUNK = TimeUnit.MICROSECONDS.toNanos(8);

    private static final long MAX_PAUSE_NANOS = TimeUnit.SECONDS.toNanos(1);

    /** Of each event loop: the time at which it may turn to the next small chunks, in ticker nanoseconds. */
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

    /** Where nobody reads the body, nothing is read anyway, and must not be. */
    @Override
    @SuppressWarnings("FutureReturnValueIgnored") // ends with the connection's event loop
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
