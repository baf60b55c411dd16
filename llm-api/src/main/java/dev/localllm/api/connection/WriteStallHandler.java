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
 * Closes the connection of a client that reads almost nothing within the timeout, so that nothing is generated for it.
 * Progress is detected when the system has freed a part of the socket send buffer. Runs a timer only while output is
 * queued.
 */
public final class WriteStallHandler extends ChannelDuplexHandler {

    private static final AttributeKey<Boolean> STALLED = AttributeKey.valueOf(WriteStallHandler.class, "stalled");

    private final Duration timeout;
    private @Nullable Future<?> check;
    private @Nullable Object head;
    private long progress;

    public WriteStallHandler(Duration timeout) {
        this.timeout = timeout;
    }

    /** True if this handler closed the connection of the request. */
    public static boolean hasStalled(ServerHttpRequest request) {
        return ClientChannel.of(request).attr(STALLED).get() != null;
    }

    @Override
    public void flush(ChannelHandlerContext ctx) {
        ctx.flush();
        if (check == null && waiting(ctx) != null) {
            startCheck(ctx);
        }
    }

    @Override
    public void handlerRemoved(ChannelHandlerContext ctx) {
        if (check != null) {
            check.cancel(false);
            check = null;
        }
    }

    private void startCheck(ChannelHandlerContext ctx) {
        ChannelOutboundBuffer waiting = waiting(ctx);
        if (waiting == null) {
            check = null;
            return;
        }
        head = waiting.current();
        progress = waiting.currentProgress();
        check = ctx.executor().schedule(() -> check(ctx), timeout.toNanos(), TimeUnit.NANOSECONDS);
    }

    @SuppressWarnings({"ReferenceEquality", "FutureReturnValueIgnored"}) // identity is meant; nothing follows the close
    private void check(ChannelHandlerContext ctx) {
        ChannelOutboundBuffer waiting = waiting(ctx);
        if (waiting != null && waiting.current() == head && waiting.currentProgress() == progress) {
            check = null;
            ctx.channel().attr(STALLED).set(true);
            ctx.close();
        } else {
            startCheck(ctx);
        }
    }

    /** The queued output, or null if there is none. */
    private static @Nullable ChannelOutboundBuffer waiting(ChannelHandlerContext ctx) {
        ChannelOutboundBuffer buffer = ctx.channel().unsafe().outboundBuffer();
        return buffer == null || buffer.isEmpty() ? null : buffer;
    }
}
