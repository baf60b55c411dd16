package dev.localllm.api.stream;

import dev.localllm.api.connection.ClientChannel;
import dev.localllm.api.failure.FailureResponse;
import dev.localllm.api.request.RequestRecord;
import dev.localllm.core.admission.Queued;
import dev.localllm.core.catalog.ModelId;
import dev.localllm.core.chat.ChatEvent;
import dev.localllm.core.chat.ChatResponder;
import io.netty.channel.Channel;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.BiFunction;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.springframework.core.io.buffer.DataBuffer;
import org.springframework.http.HttpHeaders;
import org.springframework.http.server.reactive.ServerHttpResponse;
import org.springframework.web.server.ServerWebExchange;
import reactor.core.CoreSubscriber;
import reactor.core.publisher.Flux;
import reactor.core.publisher.FluxOperator;
import reactor.core.publisher.Mono;

/**
 * Streams answers to clients in the format of any wire. Writes events that arrive together as one buffer, sends
 * heartbeats while a stream is silent, ends a failed stream with an error frame, and reads ahead of slow clients.
 * Thread-safe.
 */
public final class AnswerStream {

    private final Timeouts timeouts;
    private final ReadAhead readAhead;

    public AnswerStream(Timeouts timeouts, ReadAhead readAhead) {
        this.timeouts = timeouts;
        this.readAhead = readAhead;
    }

    /**
     * Responds with a stream. The first frame commits the response. A failure before it fails the response, and so gets
     * its own status; a later failure becomes the last frame, after all buffered frames.
     *
     * @param encoder creates the encoder of this response
     * @return a responder whose response takes one subscriber; when it ends or is cancelled, the events are cancelled
     *     and buffered frames released
     */
    public ChatResponder responder(BiFunction<ModelId, Queued, StreamEncoder> encoder, ServerWebExchange exchange) {
        return (model, queued, events) -> {
            RequestRecord.of(exchange).onResolved(model, queued);
            return write(events, queued, encoder.apply(model, queued), exchange);
        };
    }

    private Mono<Void> write(
            Flux<List<ChatEvent>> events, Queued queued, StreamEncoder encoder, ServerWebExchange exchange) {
        ServerHttpResponse response = exchange.getResponse();
        HttpHeaders headers = response.getHeaders();
        headers.setContentType(encoder.contentType());
        headers.setCacheControl("no-cache");
        headers.set("X-Accel-Buffering", "no");
        RequestRecord record = RequestRecord.of(exchange);
        Function<Throwable, DataBuffer> lastFrame = fault -> {
            FailureResponse failure = FailureResponse.of(fault, record.id());
            failure.putInto(exchange);
            return encoder.failure(failure);
        };
        AtomicReference<@Nullable OpenStream> open = new AtomicReference<>();
        Flux<DataBuffer> frames = frames(
                events.doOnNext(record::onEvents),
                queued,
                encoder,
                lastFrame,
                ClientChannel.of(exchange.getRequest()),
                open);
        return response.writeWith(frames).doOnTerminate(() -> cancel(open.get()));
    }

    /**
     * The frames for one connection, to be subscribed to once.
     *
     * @param queued tells what the request waits for
     * @param lastFrame encodes a failure that comes after the first frame
     * @param open set to the stream when the frames are subscribed to
     */
    Flux<DataBuffer> frames(
            Flux<List<ChatEvent>> events,
            Queued queued,
            StreamEncoder encoder,
            Function<Throwable, DataBuffer> lastFrame,
            Channel channel,
            AtomicReference<@Nullable OpenStream> open) {
        return new FluxOperator<>(events) {
            @Override
            public void subscribe(CoreSubscriber<? super DataBuffer> client) {
                OpenStream stream = new OpenStream(client, channel, queued, encoder, lastFrame, timeouts, readAhead);
                open.set(stream);
                source.subscribe(stream);
            }
        };
    }

    /** If the client disconnects during the first write, nothing else cancels the stream. */
    private static void cancel(@Nullable OpenStream stream) {
        if (stream != null) {
            stream.cancel();
        }
    }
}
