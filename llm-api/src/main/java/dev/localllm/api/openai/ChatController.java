package dev.localllm.api.openai;

import dev.localllm.api.connection.ClientChannel;
import dev.localllm.api.memory.ByteBudget;
import dev.localllm.api.request.RequestBodies;
import dev.localllm.api.request.RequestRecord;
import dev.localllm.api.stream.AnswerStream;
import dev.localllm.api.stream.Timeouts;
import dev.localllm.core.catalog.ModelId;
import dev.localllm.core.chat.ChatCall;
import dev.localllm.core.chat.ChatEvent;
import dev.localllm.core.chat.ChatService;
import java.nio.ByteBuffer;
import java.util.List;
import org.springframework.core.io.buffer.DataBufferFactory;
import org.springframework.http.HttpHeaders;
import org.springframework.http.MediaType;
import org.springframework.http.server.reactive.ServerHttpResponse;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RestController;
import org.springframework.web.server.ServerWebExchange;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/** POST /v1/chat/completions, streaming and non-streaming from the same events. */
@RestController
final class ChatController {

    private final ChatService chats;
    private final RequestBodies bodies;
    private final CompletionMetadataFactory metadata;
    private final Timeouts timeouts;
    private final AnswerStream stream;
    private final ByteBudget responseBudget;

    ChatController(
            ChatService chats,
            RequestBodies bodies,
            CompletionMetadataFactory metadata,
            Timeouts timeouts,
            AnswerStream stream,
            ByteBudget responseBudget) {
        this.chats = chats;
        this.bodies = bodies;
        this.metadata = metadata;
        this.timeouts = timeouts;
        this.stream = stream;
        this.responseBudget = responseBudget;
    }

    @PostMapping(path = "/v1/chat/completions", consumes = MediaType.APPLICATION_JSON_VALUE)
    Mono<Void> complete(ServerWebExchange exchange) {
        HttpHeaders headers = exchange.getResponse().getHeaders();
        return chats.answer(
                RequestRecord.of(exchange).client(),
                decision -> RateLimitHeaders.write(decision, headers),
                answer ->
                        bodies.receive(exchange, body -> answer.apply(call(CompletionRequest.parse(body), exchange))));
    }

    private ChatCall call(CompletionRequest request, ServerWebExchange exchange) {
        return new ChatCall(request.model(), request.chat(), (model, events) -> {
            RequestRecord.of(exchange).asks(model);
            return request.stream()
                    ? stream(model, events, request.includeUsage(), exchange)
                    : nonStreaming(model, events, exchange);
        });
    }

    private Mono<Void> stream(
            ModelId model, Flux<List<ChatEvent>> events, boolean includeUsage, ServerWebExchange exchange) {
        DataBufferFactory buffers = exchange.getResponse().bufferFactory();
        return stream.write(events, new ChunkEncoder(metadata.next(model), includeUsage, buffers), exchange);
    }

    private Mono<Void> nonStreaming(ModelId model, Flux<List<ChatEvent>> events, ServerWebExchange exchange) {
        return Mono.using(
                () -> new CompletionEncoder(metadata.next(model), responseBudget),
                encoder -> nonStreaming(events, encoder, exchange),
                CompletionEncoder::close);
    }

    private Mono<Void> nonStreaming(
            Flux<List<ChatEvent>> events, CompletionEncoder encoder, ServerWebExchange exchange) {
        RequestRecord record = RequestRecord.of(exchange);
        ServerHttpResponse response = exchange.getResponse();
        Mono<List<ByteBuffer>> complete = events.doOnNext(arrived -> {
                    record.onEvents(arrived);
                    encoder.add(arrived);
                })
                .then(Mono.fromSupplier(encoder::encode));
        return timeouts.nonStreaming(
                        complete, ClientChannel.of(exchange.getRequest()).eventLoop())
                .flatMap(body -> {
                    response.getHeaders().setContentType(MediaType.APPLICATION_JSON);
                    response.getHeaders()
                            .setContentLength(body.stream()
                                    .mapToLong(ByteBuffer::remaining)
                                    .sum());
                    DataBufferFactory buffers = response.bufferFactory();
                    return response.writeWith(Mono.fromSupplier(
                            () -> buffers.join(body.stream().map(buffers::wrap).toList())));
                });
    }
}
