package dev.localllm.api.openai;

import dev.localllm.api.client.RateLimits;
import dev.localllm.api.failure.HttpFailure;
import dev.localllm.api.memory.ByteBudget;
import dev.localllm.api.request.RequestBodies;
import dev.localllm.api.request.RequestRecord;
import dev.localllm.api.stream.ReadAhead;
import dev.localllm.core.chat.ChatAnswer;
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
    private final RateLimits rateLimits;
    private final RequestBodies bodies;
    private final ResponseHeads heads;
    private final AnswerTimes times;
    private final ReadAhead readAhead;
    private final ByteBudget responseBudget;

    ChatController(
            ChatService chats,
            RateLimits rateLimits,
            RequestBodies bodies,
            ResponseHeads heads,
            AnswerTimes times,
            ReadAhead readAhead,
            ByteBudget responseBudget) {
        this.chats = chats;
        this.rateLimits = rateLimits;
        this.bodies = bodies;
        this.heads = heads;
        this.times = times;
        this.readAhead = readAhead;
        this.responseBudget = responseBudget;
    }

    @PostMapping(path = "/v1/chat/completions", consumes = MediaType.APPLICATION_JSON_VALUE)
    Mono<Void> complete(ServerWebExchange exchange) {
        RequestRecord record = RequestRecord.of(exchange);
        return rateLimits.charged(
                record.client(),
                exchange.getResponse().getHeaders(),
                bodies.receive(exchange, body -> answer(CompletionRequest.parse(body), exchange)));
    }

    private Mono<Void> answer(CompletionRequest request, ServerWebExchange exchange) {
        return chats.answer(request.model(), request.chat())
                .doOnNext(answer -> RequestRecord.of(exchange).asks(answer.model()))
                .flatMap(answer ->
                        request.stream() ? stream(answer, request.includeUsage(), exchange) : whole(answer, exchange));
    }

    /** The first buffer commits the response; what fails before it still gets a status of its own. */
    private Mono<Void> stream(ChatAnswer answer, boolean includeUsage, ServerWebExchange exchange) {
        ServerHttpResponse response = exchange.getResponse();
        HttpHeaders headers = response.getHeaders();
        headers.setContentType(MediaType.TEXT_EVENT_STREAM);
        headers.setCacheControl("no-cache");
        headers.set("X-Accel-Buffering", "no");
        RequestRecord record = RequestRecord.of(exchange);
        ChunkEncoder encoder = new ChunkEncoder(heads.next(answer.model()), includeUsage, response.bufferFactory());
        Heartbeats heartbeats = times.heartbeats(encoder::heartbeat);
        Flux<DataBuffer> frames = answer.events().map(events -> {
            record.heard(events);
            return encoder.encode(events);
        });
        Function<Throwable, Mono<DataBuffer>> tell = fault -> {
            if (!heartbeats.begun()) {
                return Mono.error(fault);
            }
            HttpFailure failure = HttpFailure.of(fault, record.id());
            exchange.getAttributes().put(HttpFailure.ATTRIBUTE, failure);
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

    private Mono<Void> whole(ChatAnswer answer, ServerWebExchange exchange) {
        return Mono.using(
                () -> new CompletionEncoder(heads.next(answer.model()), responseBudget),
                encoder -> whole(answer, encoder, exchange),
                CompletionEncoder::close);
    }

    private Mono<Void> whole(ChatAnswer answer, CompletionEncoder encoder, ServerWebExchange exchange) {
        RequestRecord record = RequestRecord.of(exchange);
        ServerHttpResponse response = exchange.getResponse();
        Mono<List<ByteBuffer>> complete = answer.events()
                .doOnNext(events -> {
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
