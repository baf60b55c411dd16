package dev.localllm.api.connection;

import io.netty.channel.ChannelDuplexHandler;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelOutboundBuffer;
import io.netty.util.AttributeKey;
import io.netty.util.concurrent.Future;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.springframework.http.server.reactive.ServerHttpRequest;

/**
 * Closes the connection of a client that takes next to nothing of what waits for it within the time (the system tells
 * of progress when a part of its send buffer has become free), so that nothing is
 * generated for somebody who doesn't read. Looks only while something waits.
 */
public final class WriteStallHandler extends ChannelDuplexHandler {

    private static final AttributeKey<Boolean> STALLED = AttributeKey.valueOf(WriteStallHandler.class, "stalled");

    private final Duration patience;
    private @Nullable Future<?> check;
    private @Nullable Object head;
    private long progress;

    public WriteStallHandler(Duration patience) {
        this.patience = patience;
    }

    /** Whether the connection of that request was closed by this handler. */
    public static boolean hasStalled(ServerHttpRequest request) {
        return ClientChannel.of(request).attr(STALLED).get() != null;
    }

    @Override
    public void flush(ChannelHandlerContext ctx) {
        ctx.flush();
        if (check == null && waiting(ctx) != null) {
            watch(ctx);
        }
    }

    @Override
    public void handlerRemoved(ChannelHandlerContext ctx) {
        if (check != null) {
            check.cancel(false);
            check = null;
        }
    }

    private void watch(ChannelHandlerContext ctx) {
        ChannelOutboundBuffer waiting = waiting(ctx);
        if (waiting == null) {
            check = null;
            return;
        }
        head = waiting.current();
        progress = waiting.currentProgress();
        check = ctx.executor().schedule(() -> check(ctx), patience.toNanos(), TimeUnit.NANOSECONDS);
    }

    @SuppressWarnings({"ReferenceEquality", "FutureReturnValueIgnored"}) // the very same message; closing is the end
    private void check(ChannelHandlerContext ctx) {
        ChannelOutboundBuffer waiting = waiting(ctx);
        if (waiting != null && waiting.current() == head && waiting.currentProgress() == progress) {
            check = null;
            ctx.channel().attr(STALLED).set(true);
            ctx.close();
        } else {
            watch(ctx);
        }
    }

    /** What waits to be taken, or null if nothing does. */
    private static @Nullable ChannelOutboundBuffer waiting(ChannelHandlerContext ctx) {
        ChannelOutboundBuffer buffer = ctx.channel().unsafe().outboundBuffer();
        return buffer == null || buffer.isEmpty() ? null : buffer;
    }
}
