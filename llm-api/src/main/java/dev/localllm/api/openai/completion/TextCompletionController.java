package dev.localllm.api.openai.completion;

import dev.localllm.api.openai.CompletionMetadataFactory;
import dev.localllm.api.openai.GenerationRoute;
import dev.localllm.api.request.Operation;
import dev.localllm.api.stream.AnswerBody;
import dev.localllm.api.stream.AnswerStream;
import dev.localllm.core.chat.ChatResponder;
import dev.localllm.core.failure.LlmException;
import dev.localllm.core.failure.LlmFailure.ContextLengthExceeded;
import org.springframework.core.io.buffer.DataBufferFactory;
import org.springframework.http.MediaType;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RestController;
import org.springframework.web.server.ServerWebExchange;
import reactor.core.publisher.Mono;

/** POST /v1/completions, streaming and non-streaming from the same events. */
@RestController
final class TextCompletionController {

    private static final String ID_PREFIX = "cmpl-";

    private final GenerationRoute route;
    private final TextCompletionReader reader;
    private final CompletionMetadataFactory metadata;
    private final AnswerStream answerStream;
    private final AnswerBody answerBody;

    TextCompletionController(
            GenerationRoute route,
            TextCompletionReader reader,
            CompletionMetadataFactory metadata,
            AnswerStream answerStream,
            AnswerBody answerBody) {
        this.route = route;
        this.reader = reader;
        this.metadata = metadata;
        this.answerStream = answerStream;
        this.answerBody = answerBody;
    }

    @PostMapping(path = "/v1/completions", consumes = MediaType.APPLICATION_JSON_VALUE)
    Mono<Void> complete(ServerWebExchange exchange) {
        return route.serve(exchange, Operation.TEXT_COMPLETION, reader::read, this::responder)
                .onErrorMap(
                        LlmException.class,
                        e -> e.failure() instanceof ContextLengthExceeded f ? new LlmException(f.of("prompt")) : e);
    }

    private ChatResponder responder(TextCompletionBody body, ServerWebExchange exchange) {
        DataBufferFactory buffers = exchange.getResponse().bufferFactory();
        return body.stream()
                ? answerStream.responder(
                        (model, queued) -> new TextChunkEncoder(
                                metadata.next(ID_PREFIX, model), queued, body.logprobs(), body.includeUsage(), buffers),
                        exchange)
                : answerBody.responder(
                        (model, queued) ->
                                new TextCompletionEncoder(metadata.next(ID_PREFIX, model), queued, body.logprobs()),
                        exchange);
    }
}
