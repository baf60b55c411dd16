package dev.localllm.api.openai;

import dev.localllm.api.client.RateLimits;
import dev.localllm.api.failure.HttpFailure;
import dev.localllm.api.request.RequestRecord;
import dev.localllm.core.chat.ChatAnswer;
import dev.localllm.core.chat.ChatService;
import dev.localllm.core.failure.LlmException;
import dev.localllm.core.failure.LlmFailure.InvalidRequest;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.reactivestreams.Subscription;
import org.springframework.core.io.buffer.DataBuffer;
import org.springframework.core.io.buffer.DataBufferUtils;
import org.springframework.http.HttpHeaders;
import org.springframework.http.HttpStatus;
import org.springframework.http.MediaType;
import org.springframework.http.server.reactive.ServerHttpResponse;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestBody;
import org.springframework.web.bind.annotation.RestController;
import org.springframework.web.server.ResponseStatusException;
import org.springframework.web.server.ServerWebExchange;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/** POST /v1/chat/completions, streamed and whole from the same events. */
@RestController
final class ChatController {

    private final ChatService chats;
    private final RateLimits rateLimits;
    private final ResponseHeads heads;
    private final AnswerTimes times;

    ChatController(ChatService chats, RateLimits rateLimits, ResponseHeads heads, AnswerTimes times) {
        this.chats = chats;
        this.rateLimits = rateLimits;
        this.heads = heads;
        this.times = times;
    }

    @PostMapping(path = "/v1/chat/completions", consumes = MediaType.APPLICATION_JSON_VALUE)
    Mono<Void> complete(@RequestBody(required = false) Mono<byte[]> body, ServerWebExchange exchange) {
        RequestRecord record = RequestRecord.of(exchange);
        ServerHttpResponse response = exchange.getResponse();
        return body.timeout(times.body(), Mono.error(() -> new ResponseStatusException(HttpStatus.REQUEST_TIMEOUT)))
                .switchIfEmpty(Mono.error(
                        () -> new LlmException(new InvalidRequest(null, "The request has no body (expected: JSON)."))))
                .map(CompletionRequest::parse)
                .doOnNext(request -> rateLimits.charge(record.client(), response.getHeaders()))
                .flatMap(request -> chats.answer(request.model(), request.chat())
                        .doOnNext(answer -> record.asks(answer.model()))
                        .flatMap(answer -> request.stream()
                                ? stream(answer, request.includeUsage(), exchange)
                                : whole(answer, exchange)));
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
            HttpFailure failure = HttpFailure.of(fault);
            exchange.getAttributes().put(HttpFailure.ATTRIBUTE, failure);
            return Mono.fromSupplier(() -> encoder.failure(failure));
        };
        AtomicReference<@Nullable Subscription> sent = new AtomicReference<>();
        Flux<DataBuffer> stream = heartbeats
                .among(frames.onErrorResume(tell), times.streamOver()) // told after the frames that still wait
                .onErrorResume(tell)
                .doOnDiscard(DataBuffer.class, DataBufferUtils::release)
                .doOnSubscribe(sent::set)
                .doOnTerminate(() -> sent.set(null));
        return response.writeWith(stream).doOnTerminate(() -> cancel(sent.get()));
    }

    private Mono<Void> whole(ChatAnswer answer, ServerWebExchange exchange) {
        RequestRecord record = RequestRecord.of(exchange);
        ServerHttpResponse response = exchange.getResponse();
        Mono<byte[]> complete = answer.events()
                .doOnNext(record::heard)
                .collect(() -> new CompletionEncoder(heads.next(answer.model())), CompletionEncoder::add)
                .map(CompletionEncoder::encode);
        return Mono.firstWithSignal(complete, times.wholeOver()).flatMap(body -> {
            response.getHeaders().setContentType(MediaType.APPLICATION_JSON);
            response.getHeaders().setContentLength(body.length);
            return response.writeWith(
                    Mono.fromSupplier(() -> response.bufferFactory().wrap(body)));
        });
    }

    /** When the client is gone at the very moment of the first write, nobody else cancels what was to be written. */
    private static void cancel(@Nullable Subscription sent) {
        if (sent != null) {
            sent.cancel();
        }
    }
}
