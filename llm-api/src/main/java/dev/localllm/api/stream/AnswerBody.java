package dev.localllm.api.stream;

import dev.localllm.api.connection.ClientChannel;
import dev.localllm.api.connection.TimedCollector;
import dev.localllm.api.memory.ByteBudget;
import dev.localllm.api.request.RequestRecord;
import dev.localllm.core.admission.Queued;
import dev.localllm.core.catalog.ModelId;
import dev.localllm.core.chat.ChatEvent;
import dev.localllm.core.chat.ChatResponder;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.function.BiFunction;
import org.springframework.core.io.buffer.DataBuffer;
import org.springframework.core.io.buffer.DataBufferFactory;
import org.springframework.http.MediaType;
import org.springframework.http.server.reactive.ServerHttpResponse;
import org.springframework.web.server.ServerWebExchange;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/**
 * Sends non-streaming responses in the format of any wire: collects the events within a budget and a timeout, then
 * writes one body. Thread-safe.
 */
public final class AnswerBody {

    private static final String ADVICE = "Streamed responses may take longer: use stream:true.";

    private final Timeouts timeouts;
    private final ByteBudget budget;

    /** @param budget for the bytes of all responses that are being collected */
    public AnswerBody(Timeouts timeouts, ByteBudget budget) {
        this.timeouts = timeouts;
        this.budget = budget;
    }

    /**
     * Responds with one body when the answer is complete. A failure at any time fails the response, and so gets its own
     * status.
     *
     * @param encoder creates the encoder of this response
     * @return a responder; cancelling its response cancels the events and releases its part of the budget
     */
    public ChatResponder responder(BiFunction<ModelId, Queued, BodyEncoder> encoder, ServerWebExchange exchange) {
        return (model, queued, events) -> {
            RequestRecord.of(exchange).onResolved(model, queued);
            BodyEncoder format = encoder.apply(model, queued);
            return Mono.using(
                    () -> new CollectedBody(format, budget),
                    body -> collect(events, body, exchange)
                            .flatMap(pieces -> write(pieces, format.contentType(), exchange.getResponse())),
                    CollectedBody::close);
        };
    }

    private Mono<List<ByteBuffer>> collect(
            Flux<List<ChatEvent>> events, CollectedBody body, ServerWebExchange exchange) {
        RequestRecord record = RequestRecord.of(exchange);
        return TimedCollector.collect(
                events,
                arrived -> {
                    record.onEvents(arrived);
                    body.add(arrived);
                },
                body::encode,
                timeouts.nonStreaming(ClientChannel.of(exchange.getRequest()).eventLoop(), ADVICE));
    }

    /** Sends the pieces as one body. */
    public static Mono<Void> write(List<ByteBuffer> pieces, MediaType contentType, ServerHttpResponse response) {
        long length = 0;
        for (ByteBuffer piece : pieces) {
            length += piece.remaining();
        }
        response.getHeaders().setContentType(contentType);
        response.getHeaders().setContentLength(length);
        int size = Math.toIntExact(length);
        return response.writeWith(Mono.fromSupplier(() -> join(pieces, size, response.bufferFactory())));
    }

    private static DataBuffer join(List<ByteBuffer> pieces, int size, DataBufferFactory buffers) {
        DataBuffer body = buffers.allocateBuffer(size);
        for (ByteBuffer piece : pieces) {
            body.write(piece);
        }
        return body;
    }
}
