package dev.localllm.api.connection;

import io.netty.channel.ChannelDuplexHandler;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelPromise;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaderValues;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.HttpResponse;
import io.netty.handler.codec.http.HttpUtil;
import io.netty.handler.codec.http.HttpVersion;
import io.netty.handler.codec.http.LastHttpContent;

/**
 * Sends responses of unknown length to HTTP/1.0 clients without chunked encoding, which they don't know: closing the
 * connection ends the body. Place it in the pipeline after the HTTP codec.
 */
public final class Http10Handler extends ChannelDuplexHandler {

    private boolean http10;
    private boolean closeAfterBody;

    @Override
    public void channelRead(ChannelHandlerContext ctx, Object message) {
        if (message instanceof HttpRequest request) {
            http10 = request.protocolVersion().equals(HttpVersion.HTTP_1_0);
        }
        ctx.fireChannelRead(message);
    }

    @Override
    public void write(ChannelHandlerContext ctx, Object message, ChannelPromise promise) throws Exception {
        if (http10 && message instanceof HttpResponse response && HttpUtil.isTransferEncodingChunked(response)) {
            HttpUtil.setTransferEncodingChunked(response, false);
            response.headers().set(HttpHeaderNames.CONNECTION, HttpHeaderValues.CLOSE);
            closeAfterBody = true;
        }
        if (closeAfterBody && message instanceof LastHttpContent) {
            promise.addListener(ChannelFutureListener.CLOSE);
        }
        super.write(ctx, message, promise);
    }
}
