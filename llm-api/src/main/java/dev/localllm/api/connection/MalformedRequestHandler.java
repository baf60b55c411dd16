package dev.localllm.api.connection;

import static io.netty.handler.codec.http.HttpStatusClass.INFORMATIONAL;

import dev.localllm.api.failure.ErrorFormat;
import dev.localllm.api.failure.ErrorFormats;
import dev.localllm.api.failure.FailureResponse;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelDuplexHandler;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelPromise;
import io.netty.handler.codec.http.DefaultFullHttpResponse;
import io.netty.handler.codec.http.DefaultLastHttpContent;
import io.netty.handler.codec.http.FullHttpResponse;
import io.netty.handler.codec.http.HttpContent;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaderValues;
import io.netty.handler.codec.http.HttpObject;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.HttpResponse;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.handler.codec.http.HttpVersion;
import io.netty.handler.codec.http.LastHttpContent;
import io.netty.handler.codec.http.TooLongHttpHeaderException;
import io.netty.handler.codec.http.TooLongHttpLineException;
import io.netty.util.ReferenceCountUtil;
import java.net.URI;
import java.net.URISyntaxException;
import java.util.List;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.springframework.http.HttpStatus;

/**
 * Answers malformed requests in the error format of their wire and closes the connection, because the start of the next
 * request is unknown. Later handlers never see such a request.
 */
public final class MalformedRequestHandler extends ChannelDuplexHandler {

    /** Appended to a truncated body: makes it invalid JSON, so that it isn't taken for a complete one. */
    private static final byte[] INVALID_JSON = {0};

    private static final String NOT_HTTP = "The request is not valid HTTP/1.1.";

    /** Limit for bodies of pipelined requests, which wait in memory until the response before them is complete. */
    private static final int MAX_PIPELINED_BYTES = 16 << 10;

    private final ErrorFormats formats;
    private final Supplier<String> uniqueIds;

    /** Format of the last request that was read: all requests of one connection are expected to use one wire. */
    private @Nullable ErrorFormat format;

    private int unanswered;
    private int pipelinedBytes;
    private boolean refused;

    public MalformedRequestHandler(ErrorFormats formats, Supplier<String> uniqueIds) {
        this.formats = formats;
        this.uniqueIds = uniqueIds;
    }

    @Override
    @SuppressWarnings("FutureReturnValueIgnored") // the channel is closed in any case
    public void channelRead(ChannelHandlerContext ctx, Object message) {
        if (message instanceof HttpRequest request && request.decoderResult().isSuccess()) {
            format = formats.of(request.uri(), request.headers()::get);
        }
        FailureResponse failure = refused || !(message instanceof HttpObject read) ? null : failure(read);
        if (!refused && failure == null && fitsPipeline(message)) {
            unanswered += message instanceof HttpRequest ? 1 : 0;
            ctx.fireChannelRead(message);
            return;
        }
        ReferenceCountUtil.release(message);
        if (refused || (unanswered > 0 && isHeaderTimeout(message))) {
            return; // an empty line after a request looks like the start of headers
        }
        refused = true;
        if (failure == null) {
            ctx.close();
        } else {
            refuse(ctx, failure, message instanceof HttpRequest);
        }
    }

    @Override
    public void write(ChannelHandlerContext ctx, Object written, ChannelPromise promise) throws Exception {
        if (written instanceof FullHttpResponse interim && interim.status().codeClass() == INFORMATIONAL) {
            super.write(ctx, interim, promise); // 100 Continue is not the response
            return;
        }
        Object message = withErrorBody(written);
        if (refused && message instanceof HttpResponse response) {
            response.headers().set(HttpHeaderNames.CONNECTION, HttpHeaderValues.CLOSE);
        }
        if (message instanceof LastHttpContent) {
            unanswered--;
            pipelinedBytes = 0;
            if (refused) {
                promise.addListener(ChannelFutureListener.CLOSE);
            }
        }
        super.write(ctx, message, promise);
    }

    /**
     * Sends the error if no response is pending. If a body is truncated, lets its reader refuse it. Otherwise only
     * closes, because an error would mix with a running response.
     */
    @SuppressWarnings("FutureReturnValueIgnored") // the channel is closed in any case
    private void refuse(ChannelHandlerContext ctx, FailureResponse failure, boolean request) {
        if (request && unanswered == 0) {
            ctx.writeAndFlush(response(failure)).addListener(ChannelFutureListener.CLOSE);
        } else if (!request && unanswered == 1) {
            ctx.fireChannelRead(new DefaultLastHttpContent(Unpooled.wrappedBuffer(INVALID_JSON)));
        } else {
            ctx.close();
        }
    }

    /** Adds an error body to refusals that the web server sends without one, such as for an invalid host. */
    private Object withErrorBody(Object written) {
        if (written instanceof FullHttpResponse refusal && !refusal.headers().contains(FailureResponse.REQUEST_ID)) {
            refusal.release();
            return response(
                    FailureResponse.ofStatus(HttpStatus.valueOf(refusal.status().code()), NOT_HTTP));
        }
        return written;
    }

    private FullHttpResponse response(FailureResponse failure) {
        byte[] body = (format == null ? formats.of("", name -> null) : format).body(failure);
        FullHttpResponse response = new DefaultFullHttpResponse(
                HttpVersion.HTTP_1_1,
                HttpResponseStatus.valueOf(failure.status().value()),
                Unpooled.wrappedBuffer(body));
        response.headers()
                .set(FailureResponse.REQUEST_ID, uniqueIds.get())
                .set(HttpHeaderNames.CONTENT_TYPE, HttpHeaderValues.APPLICATION_JSON)
                .set(HttpHeaderNames.CONTENT_LENGTH, body.length)
                .set(HttpHeaderNames.CONNECTION, HttpHeaderValues.CLOSE);
        return response;
    }

    private static @Nullable FailureResponse failure(HttpObject read) {
        if (read.decoderResult().isFailure()) {
            return failure(read.decoderResult().cause());
        }
        if (!(read instanceof HttpRequest request)) {
            return null;
        }
        if (request.protocolVersion().majorVersion() != 1) {
            return FailureResponse.ofStatus(HttpStatus.BAD_REQUEST, NOT_HTTP);
        }
        if (request.protocolVersion().minorVersion() > 0
                && request.headers().getAll(HttpHeaderNames.HOST).size() != 1) {
            return FailureResponse.ofStatus(
                    HttpStatus.BAD_REQUEST, "The request does not have exactly one Host header.");
        }
        if (!isDelimited(request)) {
            return FailureResponse.ofStatus(HttpStatus.BAD_REQUEST, "The request's Transfer-Encoding is not chunked.");
        }
        return isUri(request.uri())
                ? null
                : FailureResponse.ofStatus(HttpStatus.BAD_REQUEST, "The request's path is not a valid URI.");
    }

    private boolean fitsPipeline(Object message) {
        if (unanswered > 1 && message instanceof HttpContent content) {
            pipelinedBytes += content.content().readableBytes();
        }
        return pipelinedBytes <= MAX_PIPELINED_BYTES;
    }

    private static boolean isHeaderTimeout(Object message) {
        return message instanceof HttpRequest request
                && request.decoderResult().cause() instanceof HeaderTimeoutHandler.HeaderTimeoutException;
    }

    private static FailureResponse failure(Throwable cause) {
        return switch (cause) {
            case TooLongHttpLineException e ->
                FailureResponse.ofStatus(HttpStatus.URI_TOO_LONG, "The request's path is too long.");
            case HeaderTimeoutHandler.HeaderTimeoutException e ->
                FailureResponse.ofStatus(
                        HttpStatus.REQUEST_TIMEOUT, "The request's headers did not arrive within HEADER_TIMEOUT.");
            case TooLongHttpHeaderException e ->
                FailureResponse.ofStatus(
                        HttpStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, "The request's headers are too large.");
            default -> FailureResponse.ofStatus(HttpStatus.BAD_REQUEST, NOT_HTTP);
        };
    }

    /** False for an unknown encoding: its body would be read as the next request. */
    private static boolean isDelimited(HttpRequest request) {
        List<String> encodings = request.headers().getAll(HttpHeaderNames.TRANSFER_ENCODING);
        return encodings.isEmpty()
                || (encodings.size() == 1 && HttpHeaderValues.CHUNKED.contentEqualsIgnoreCase(encodings.getFirst()));
    }

    private static boolean isUri(String text) {
        try {
            return !new URI(text).toString().isEmpty();
        } catch (URISyntaxException e) {
            return false;
        }
    }
}
