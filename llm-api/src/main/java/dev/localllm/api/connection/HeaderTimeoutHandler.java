package dev.localllm.api.connection;

import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.handler.codec.DecoderResult;
import io.netty.handler.codec.http.DefaultFullHttpRequest;
import io.netty.handler.codec.http.HttpMethod;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.HttpVersion;
import io.netty.handler.codec.http.LastHttpContent;
import io.netty.util.concurrent.Future;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Limits the time from the first byte of a request to the end of its headers. A request that takes longer is forwarded
 * as a malformed request. Place it in the pipeline between the HTTP codec and {@link MalformedRequestHandler}.
 */
public final class HeaderTimeoutHandler extends ChannelInboundHandlerAdapter {

    /** The decoder failure of a request that timed out. */
    static final class HeaderTimeoutException extends RuntimeException {

        private static final long serialVersionUID = 1L;

        private HeaderTimeoutException() {
            super("the headers did not arrive in time", null, false, false);
        }
    }

    private final Duration timeout;
    private boolean inRequest;
    private boolean decoded;
    private @Nullable Future<?> timer;

    public HeaderTimeoutHandler(Duration timeout) {
        this.timeout = timeout;
    }

    @Override
    public void channelRead(ChannelHandlerContext ctx, Object message) {
        decoded = true;
        if (message instanceof HttpRequest) {
            cancelTimer();
            inRequest = true;
        }
        if (message instanceof LastHttpContent) {
            inRequest = false;
        }
        ctx.fireChannelRead(message);
    }

    /**
     * Starts the timer if bytes have arrived between two requests and are not decoded yet: they are the start of
     * headers.
     */
    @Override
    public void channelReadComplete(ChannelHandlerContext ctx) {
        if (!inRequest && !decoded && timer == null) {
            timer = ctx.executor().schedule(() -> expire(ctx), timeout.toNanos(), TimeUnit.NANOSECONDS);
        }
        decoded = false;
        ctx.fireChannelReadComplete();
    }

    @Override
    public void handlerRemoved(ChannelHandlerContext ctx) {
        cancelTimer();
    }

    private void cancelTimer() {
        if (timer != null) {
            timer.cancel(false);
            timer = null;
        }
    }

    private void expire(ChannelHandlerContext ctx) {
        timer = null;
        HttpRequest timedOut = new DefaultFullHttpRequest(HttpVersion.HTTP_1_1, HttpMethod.GET, "/");
        timedOut.setDecoderResult(DecoderResult.failure(new HeaderTimeoutException()));
        ctx.fireChannelRead(timedOut);
    }
}
