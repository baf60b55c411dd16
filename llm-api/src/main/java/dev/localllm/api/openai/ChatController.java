package dev.localllm.api.openai;

import dev.localllm.api.failure.FailureResponse;
import dev.localllm.api.memory.ByteBudget;
import dev.localllm.api.request.RequestBodies;
import dev.localllm.api.request.RequestRecord;
import dev.localllm.api.stream.ReadAhead;
import dev.localllm.core.catalog.ModelId;
import dev.localllm.core.chat.ChatCall;
import dev.localllm.core.chat.ChatEvent;
import dev.localllm.core.chat.ChatService;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.reactivestreams.Subscription;
import org.springframework.core.io.buffer.DataBuffer;
import org.springframework.core.io.buffer.DataBufferFactory;
import org.springframework.core.io.buffer.DataBufferUtils;
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
    private final ResponseHeads heads;
    private final AnswerTimes times;
    private final ReadAhead readAhead;
    private final ByteBudget responseBudget;

    ChatController(
            ChatService chats,
            RequestBodies bodies,
            ResponseHeads heads,
            AnswerTimes times,
            ReadAhead readAhead,
            ByteBudget responseBudget) {
        this.chats = chats;
        this.bodies = bodies;
        this.heads = heads;
        this.times = times;
        this.readAhead = readAhead;
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
                    : whole(model, events, exchange);
        });
    }

    /** The first buffer commits the response; what fails before it still gets a status of its own. */
    private Mono<Void> stream(
            ModelId model, Flux<List<ChatEvent>> answer, boolean includeUsage, ServerWebExchange exchange) {
        ServerHttpResponse response = exchange.getResponse();
        HttpHeaders headers = response.getHeaders();
        headers.setContentType(MediaType.TEXT_EVENT_STREAM);
        headers.setCacheControl("no-cache");
        headers.set("X-Accel-Buffering", "no");
        RequestRecord record = RequestRecord.of(exchange);
        ChunkEncoder encoder = new ChunkEncoder(heads.next(model), includeUsage, response.bufferFactory());
        Heartbeats heartbeats = times.heartbeats(encoder::heartbeat);
        Flux<DataBuffer> frames = answer.map(events -> {
            record.heard(events);
            return encoder.encode(events);
        });
        Function<Throwable, Mono<DataBuffer>> tell = fault -> {
            if (!heartbeats.begun()) {
                return Mono.error(fault);
            }
            FailureResponse failure = FailureResponse.of(fault, record.id());
            failure.putInto(exchange);
            return Mono.fromSupplier(() -> encoder.failure(failure));
        };
        AtomicReference<@Nullable Subscription> sent = new AtomicReference<>();
        Flux<DataBuffer> told = heartbeats
                .among(frames.onErrorResume(tell), times.streamOver()) // told after the frames that still wait
                .onErrorResume(tell);
        Flux<DataBuffer> stream = readAhead
                .of(told, exchange.getRequest())
                .doOnDiscard(DataBuffer.class, DataBufferUtils::release)
                .doOnSubscribe(sent::set)
                .doOnTerminate(() -> sent.set(null));
        return response.writeWith(stream).doOnTerminate(() -> cancel(sent.get()));
    }

    private Mono<Void> whole(ModelId model, Flux<List<ChatEvent>> answer, ServerWebExchange exchange) {
        return Mono.using(
                () -> new CompletionEncoder(heads.next(model), responseBudget),
                encoder -> whole(answer, encoder, exchange),
                CompletionEncoder::close);
    }

    private Mono<Void> whole(Flux<List<ChatEvent>> answer, CompletionEncoder encoder, ServerWebExchange exchange) {
        RequestRecord record = RequestRecord.of(exchange);
        ServerHttpResponse response = exchange.getResponse();
        Mono<List<ByteBuffer>> complete = answer.doOnNext(events -> {
                    record.heard(events);
                    encoder.add(events);
                })
                .then(Mono.fromSupplier(encoder::encode));
        return Mono.firstWithSignal(complete, times.wholeOver()).flatMap(body -> {
            response.getHeaders().setContentType(MediaType.APPLICATION_JSON);
            response.getHeaders()
                    .setContentLength(
                            body.stream().mapToLong(ByteBuffer::remaining).sum());
            DataBufferFactory buffers = response.bufferFactory();
            return response.writeWith(Mono.fromSupplier(
                    () -> buffers.join(body.stream().map(buffers::wrap).toList())));
        });
    }

    /** When the client is gone at the very moment of the first write, nobody else cancels what was to be written. */
    private static void cancel(@Nullable Subscription sent) {
        if (sent != null) {
            sent.cancel();
        }
    }
}
