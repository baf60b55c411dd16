package dev.localllm.api.openai.chat;

import dev.localllm.api.openai.CompletionMetadataFactory;
import dev.localllm.api.openai.GenerationRoute;
import dev.localllm.api.request.Operation;
import dev.localllm.api.request.RequestRecord;
import dev.localllm.api.stream.AnswerBody;
import dev.localllm.api.stream.AnswerStream;
import dev.localllm.core.chat.ChatResponder;
import org.springframework.core.io.buffer.DataBufferFactory;
import org.springframework.http.HttpHeaders;
import org.springframework.http.HttpMethod;
import org.springframework.http.MediaType;
import org.springframework.http.server.reactive.ServerHttpRequest;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RestController;
import org.springframework.web.server.ServerWebExchange;
import reactor.core.publisher.Mono;

/** POST /v1/chat/completions, streaming and non-streaming from the same events. */
@RestController
public final class ChatController {

    private static final String PATH = "/v1/chat/completions";
    private static final String ID_PREFIX = "chatcmpl-";

    private final GenerationRoute route;
    private final CompletionReader reader;
    private final CompletionMetadataFactory metadata;
    private final AnswerStream answerStream;
    private final AnswerBody answerBody;

    ChatController(
            GenerationRoute route,
            CompletionReader reader,
            CompletionMetadataFactory metadata,
            AnswerStream answerStream,
            AnswerBody answerBody) {
        this.route = route;
        this.reader = reader;
        this.metadata = metadata;
        this.answerStream = answerStream;
        this.answerBody = answerBody;
    }

    /**
     * True for most requests of this route: those with the usual spelling of path and content type. They don't need
     * Spring's search for a route, which is costly.
     */
    public boolean matches(ServerHttpRequest request) {
        return HttpMethod.POST.equals(request.getMethod())
                && request.getPath().value().equals(PATH)
                && MediaType.APPLICATION_JSON_VALUE.equals(request.getHeaders().getFirst(HttpHeaders.CONTENT_TYPE));
    }

    @PostMapping(path = PATH, consumes = MediaType.APPLICATION_JSON_VALUE)
    public Mono<Void> complete(ServerWebExchange exchange) {
        return route.serve(exchange, Operation.CHAT, reader::read, this::responder);
    }

    private ChatResponder responder(ChatBody request, ServerWebExchange exchange) {
        DataBufferFactory buffers = exchange.getResponse().bufferFactory();
        RequestRecord record = RequestRecord.of(exchange);
        return request.stream()
                ? answerStream.responder(
                        (model, queued) -> new ChunkEncoder(
                                metadata.next(ID_PREFIX, model),
                                queued,
                                record::schemaMismatch,
                                request.includeUsage(),
                                buffers),
                        exchange)
                : answerBody.responder(
                        (model, queued) -> new CompletionEncoder(metadata.next(ID_PREFIX, model), queued), exchange);
    }
}
