package dev.localllm.api.connection;

import static io.netty.handler.codec.http.HttpStatusClass.INFORMATIONAL;

import io.netty.channel.ChannelDuplexHandler;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelOutboundBuffer;
import io.netty.channel.ChannelPromise;
import io.netty.channel.socket.DuplexChannel;
import io.netty.handler.codec.http.FullHttpResponse;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.LastHttpContent;
import io.netty.util.ReferenceCountUtil;
import io.netty.util.concurrent.Future;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Closes the connection in two steps if the client still sends the body of an answered request: first shuts down the
 * output and discards input, then closes when the body has ended or the time is over. An immediate close with unread
 * bytes would reset the connection, and a client that writes before it reads would lose the response. Closes at once
 * while a request has no response, and on a second close. Place it in the pipeline after {@link SmallChunkHandler}.
 */
public final class LingeringCloseHandler extends ChannelDuplexHandler {

    private final Duration maxTime;
    private boolean receiving;
    private int unanswered;
    private @Nullable Future<?> timer;

    /** @param maxTime from the end of the response until the connection is closed, even if the client still sends */
    public LingeringCloseHandler(Duration maxTime) {
        this.maxTime = maxTime;
    }

    @Override
    @SuppressWarnings("FutureReturnValueIgnored") // nothing follows the close
    public void channelRead(ChannelHandlerContext ctx, Object message) {
        if (message instanceof HttpRequest) {
            receiving = true;
            unanswered++;
        }
        if (message instanceof LastHttpContent) {
            receiving = false;
        }
        if (timer == null) {
            ctx.fireChannelRead(message);
            return;
        }
        ReferenceCountUtil.release(message);
        if (!receiving) {
            ctx.close();
        }
    }

    @Override
    public void write(ChannelHandlerContext ctx, Object message, ChannelPromise promise) throws Exception {
        boolean interim =
                message instanceof FullHttpResponse full && full.status().codeClass() == INFORMATIONAL;
        if (message instanceof LastHttpContent && !interim) {
            unanswered--;
        }
        super.write(ctx, message, promise);
    }

    @Override
    public void close(ChannelHandlerContext ctx, ChannelPromise promise) throws Exception {
        if (receiving && unanswered <= 0 && isFlushed(ctx) && ctx.channel() instanceof DuplexChannel channel) {
            linger(ctx, channel, promise);
        } else {
            super.close(ctx, promise);
        }
    }

    @Override
    public void handlerRemoved(ChannelHandlerContext ctx) {
        if (timer != null) {
            timer.cancel(false);
        }
    }

    @SuppressWarnings("FutureReturnValueIgnored") // the close follows in any case
    private void linger(ChannelHandlerContext ctx, DuplexChannel channel, ChannelPromise promise) {
        timer = ctx.executor().schedule(() -> ctx.close(), maxTime.toNanos(), TimeUnit.NANOSECONDS);
        channel.closeFuture().addListener(closed -> promise.trySuccess());
        channel.shutdownOutput();
        channel.config().setAutoRead(true);
    }

    /** True if no output is queued. False if the output is shut down: then there is no outbound buffer. */
    private static boolean isFlushed(ChannelHandlerContext ctx) {
        ChannelOutboundBuffer waiting = ctx.channel().unsafe().outboundBuffer();
        return waiting != null && waiting.isEmpty();
    }
}
