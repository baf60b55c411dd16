package dev.localllm.api.stream;

import dev.localllm.api.connection.ClientChannel;
import dev.localllm.api.failure.FailureResponse;
import dev.localllm.api.request.RequestRecord;
import dev.localllm.core.catalog.ModelId;
import dev.localllm.core.chat.ChatEvent;
import dev.localllm.core.chat.ChatResponder;
import io.netty.channel.Channel;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.springframework.core.io.buffer.DataBuffer;
import org.springframework.http.HttpHeaders;
import org.springframework.http.server.reactive.ServerHttpResponse;
import org.springframework.web.server.ServerWebExchange;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Operators;

/**
 * Streams answers to clients in the format of any wire: what arrives together is written together, a silent stream gets
 * heartbeats, a stream that takes too long or fails gets its last frame, and slow clients are read ahead of. Thread-safe.
 */
public final class AnswerStream {

    private final Timeouts timeouts;
    private final ReadAhead readAhead;

    public AnswerStream(Timeouts timeouts, ReadAhead readAhead) {
        this.timeouts = timeouts;
        this.readAhead = readAhead;
    }

    /**
     * Responds with a stream. The first frame commits the response: a failure before it fails the response, so that it
     * gets a status of its own; one after it becomes the last frame, behind those that still wait.
     *
     * @param encoder makes one for this response alone
     * @return a responder whose response takes one subscriber; its cancellation or any other end cancels the events and
     *     releases what is buffered
     */
    public ChatResponder responder(Function<ModelId, StreamEncoder> encoder, ServerWebExchange exchange) {
        return (model, events) -> {
            RequestRecord.of(exchange).asks(model);
            return write(events, encoder.apply(model), exchange);
        };
    }

    private Mono<Void> write(Flux<List<ChatEvent>> events, StreamEncoder encoder, ServerWebExchange exchange) {
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
                events.doOnNext(record::onEvents), encoder, lastFrame, ClientChannel.of(exchange.getRequest()), open);
        return response.writeWith(frames).doOnTerminate(() -> cancel(open.get()));
    }

    /**
     * The frames for one connection, to be subscribed to once.
     *
     * @param lastFrame made of a failure after the first frame
     * @param open is set to what serves the subscription
     */
    Flux<DataBuffer> frames(
            Flux<List<ChatEvent>> events,
            StreamEncoder encoder,
            Function<Throwable, DataBuffer> lastFrame,
            Channel channel,
            AtomicReference<@Nullable OpenStream> open) {
        return events.transform(Operators.<List<ChatEvent>, DataBuffer>lift((source, client) -> {
            OpenStream stream = new OpenStream(client, channel, encoder, lastFrame, timeouts, readAhead);
            open.set(stream);
            return stream;
        }));
    }

    /** When the client is gone at the very moment of the first write, nobody else cancels what was to be written. */
    private static void cancel(@Nullable OpenStream stream) {
        if (stream != null) {
            stream.cancel();
        }
    }
}
