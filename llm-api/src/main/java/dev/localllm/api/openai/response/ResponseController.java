package dev.localllm.api.openai.response;

import dev.localllm.api.openai.CompletionMetadataFactory;
import dev.localllm.api.openai.GenerationRoute;
import dev.localllm.api.request.Operation;
import dev.localllm.api.request.RequestRecord;
import dev.localllm.api.stream.AnswerBody;
import dev.localllm.api.stream.AnswerStream;
import dev.localllm.core.admission.Queued;
import dev.localllm.core.catalog.ModelId;
import dev.localllm.core.chat.ChatResponder;
import dev.localllm.core.failure.LlmException;
import org.springframework.core.io.buffer.DataBufferFactory;
import org.springframework.http.MediaType;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RestController;
import org.springframework.web.server.ServerWebExchange;
import reactor.core.publisher.Mono;

/** POST /v1/responses, streaming and non-streaming from the same events. */
@RestController
public final class ResponseController {

    private final GenerationRoute route;
    private final ResponseReader reader;
    private final CompletionMetadataFactory metadata;
    private final AnswerStream answerStream;
    private final AnswerBody answerBody;

    ResponseController(
            GenerationRoute route,
            ResponseReader reader,
            CompletionMetadataFactory metadata,
            AnswerStream answerStream,
            AnswerBody answerBody) {
        this.route = route;
        this.reader = reader;
        this.metadata = metadata;
        this.answerStream = answerStream;
        this.answerBody = answerBody;
    }

    @PostMapping(path = "/v1/responses", consumes = MediaType.APPLICATION_JSON_VALUE)
    public Mono<Void> respond(ServerWebExchange exchange) {
        return route.serve(exchange, Operation.CHAT, reader::read, this::responder)
                .onErrorMap(LlmException.class, FieldNames::translated);
    }

    private ChatResponder responder(ResponseRequest request, ServerWebExchange exchange) {
        DataBufferFactory buffers = exchange.getResponse().bufferFactory();
        RequestRecord record = RequestRecord.of(exchange);
        return request.stream()
                ? answerStream.responder(
                        (model, queued) -> new EventEncoder(states(request, model, queued, record), model, buffers),
                        exchange)
                : answerBody.responder(
                        (model, queued) -> new ResponseEncoder(states(request, model, queued, record)), exchange);
    }

    private ResponseStates states(ResponseRequest request, ModelId model, Queued queued, RequestRecord record) {
        return new ResponseStates(
                metadata.next(ResponseStates.ID_PREFIX, model), request.echo(), queued, record::schemaMismatch);
    }
}
