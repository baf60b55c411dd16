package dev.localllm.api.openai;

import dev.localllm.api.failure.HttpFailure;
import dev.localllm.core.chat.ChatAnswer;
import dev.localllm.core.chat.ChatService;
import dev.localllm.core.failure.LlmException;
import dev.localllm.core.failure.LlmFailure.InvalidRequest;
import org.springframework.core.io.buffer.DataBuffer;
import org.springframework.core.io.buffer.DataBufferUtils;
import org.springframework.http.HttpHeaders;
import org.springframework.http.MediaType;
import org.springframework.http.server.reactive.ServerHttpResponse;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestBody;
import org.springframework.web.bind.annotation.RestController;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/** POST /v1/chat/completions, streamed and whole from the same events. */
@RestController
final class ChatController {

    private final ChatService chats;
    private final ResponseHeads heads;

    ChatController(ChatService chats, ResponseHeads heads) {
        this.chats = chats;
        this.heads = heads;
    }

    @PostMapping(path = "/v1/chat/completions", consumes = MediaType.APPLICATION_JSON_VALUE)
    Mono<Void> complete(@RequestBody(required = false) Mono<byte[]> body, ServerHttpResponse response) {
        return body.switchIfEmpty(Mono.error(
                        () -> new LlmException(new InvalidRequest(null, "The request has no body (expected: JSON)."))))
                .map(CompletionRequest::parse)
                .flatMap(request -> chats.answer(request.model(), request.chat())
                        .flatMap(answer -> request.stream()
                                ? stream(answer, request.includeUsage(), response)
                                : whole(answer, response)));
    }

    /** The first buffer commits the response; what fails before it still gets a status of its own. */
    private Mono<Void> stream(ChatAnswer answer, boolean includeUsage, ServerHttpResponse response) {
        HttpHeaders headers = response.getHeaders();
        headers.setContentType(MediaType.TEXT_EVENT_STREAM);
        headers.setCacheControl("no-cache");
        headers.set("X-Accel-Buffering", "no");
        ChunkEncoder encoder = new ChunkEncoder(heads.next(answer.model()), includeUsage, response.bufferFactory());
        Flux<DataBuffer> frames = answer.events()
                .map(encoder::encode)
                .onErrorResume(fault -> encoder.started()
                        ? Mono.fromSupplier(() -> encoder.failure(HttpFailure.of(fault)))
                        : Mono.error(fault))
                .doOnDiscard(DataBuffer.class, DataBufferUtils::release);
        return response.writeWith(frames);
    }

    private Mono<Void> whole(ChatAnswer answer, ServerHttpResponse response) {
        return answer.events()
                .collect(() -> new CompletionEncoder(heads.next(answer.model())), CompletionEncoder::add)
                .map(CompletionEncoder::encode)
                .flatMap(body -> {
                    response.getHeaders().setContentType(MediaType.APPLICATION_JSON);
                    response.getHeaders().setContentLength(body.length);
                    return response.writeWith(
                            Mono.fromSupplier(() -> response.bufferFactory().wrap(body)));
                });
    }
}
