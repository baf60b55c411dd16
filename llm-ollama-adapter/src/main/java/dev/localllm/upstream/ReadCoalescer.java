package dev.localllm.upstream;

import io.netty.buffer.ByteBuf;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.handler.codec.http.DefaultHttpContent;
import io.netty.handler.codec.http.HttpContent;
import io.netty.handler.codec.http.LastHttpContent;
import org.jspecify.annotations.Nullable;

/**
 * Merges the HTTP chunks of one socket read into one buffer. Model servers send each token as a chunk of its own, which
 * would cost a write and a flush per token on the client's connection. Buffers are limited to about 8 KB, because many
 * of them may wait for a slow client.
 */
final class ReadCoalescer extends ChannelInboundHandlerAdapter {

    private static final int MAX_BYTES = 8 << 10;

    static final String NAME = "readCoalescer";

    private @Nullable ByteBuf pending;

    @Override
    public void channelRead(ChannelHandlerContext ctx, Object message) {
        if (message instanceof HttpContent content && !(message instanceof LastHttpContent)) {
            add(ctx, content.content());
            return;
        }
        forward(ctx);
        ctx.fireChannelRead(message);
    }

    @Override
    public void channelReadComplete(ChannelHandlerContext ctx) {
        forward(ctx);
        ctx.fireChannelReadComplete();
    }

    @Override
    public void channelInactive(ChannelHandlerContext ctx) {
        forward(ctx);
        ctx.fireChannelInactive();
    }

    @Override
    public void handlerRemoved(ChannelHandlerContext ctx) {
        if (pending != null) {
            pending.release();
            pending = null;
        }
    }

    private void add(ChannelHandlerContext ctx, ByteBuf chunk) {
        if (pending == null) {
            pending = chunk;
            return;
        }
        if (!pending.isWritable(chunk.readableBytes()) || pending.refCnt() > 1) {
            pending = enlarged(ctx, pending, chunk.readableBytes());
        }
        pending.writeBytes(chunk);
        chunk.release();
        if (pending.readableBytes() >= MAX_BYTES) {
            forward(ctx);
        }
    }

    private static ByteBuf enlarged(ChannelHandlerContext ctx, ByteBuf full, int extra) {
        ByteBuf larger = ctx.alloc().buffer(Math.max(MAX_BYTES, full.readableBytes() + extra));
        larger.writeBytes(full);
        full.release();
        return larger;
    }

    private void forward(ChannelHandlerContext ctx) {
        ByteBuf ready = pending;
        if (ready != null) {
            pending = null;
            ctx.fireChannelRead(new DefaultHttpContent(ready));
        }
    }
}
