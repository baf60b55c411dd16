package dev.localllm.api.openai;

import dev.localllm.api.connection.ClientChannel;
import dev.localllm.api.request.RequestBodies;
import dev.localllm.api.request.RequestRecord;
import dev.localllm.api.schema.AnswerCheck;
import dev.localllm.api.schema.AnswerSchemas;
import dev.localllm.api.stream.AnswerBody;
import dev.localllm.api.stream.AnswerStream;
import dev.localllm.core.chat.ChatCall;
import dev.localllm.core.chat.ChatResponder;
import dev.localllm.core.chat.ChatService;
import java.util.concurrent.Executor;
import java.util.function.Consumer;
import java.util.function.Function;
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

    private final ChatService chats;
    private final RequestBodies bodies;
    private final CompletionReader reader;
    private final AnswerSchemas schemas;
    private final CompletionMetadataFactory metadata;
    private final AnswerStream answerStream;
    private final AnswerBody answerBody;

    ChatController(
            ChatService chats,
            RequestBodies bodies,
            CompletionReader reader,
            AnswerSchemas schemas,
            CompletionMetadataFactory metadata,
            AnswerStream answerStream,
            AnswerBody answerBody) {
        this.chats = chats;
        this.bodies = bodies;
        this.reader = reader;
        this.schemas = schemas;
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
        HttpHeaders headers = exchange.getResponse().getHeaders();
        RequestRecord record = RequestRecord.of(exchange);
        record.onGeneration();
        return chats.answer(
                record.client(),
                decision -> RateLimitHeaders.write(decision, headers),
                answer -> bodies.receive(exchange, body -> serve(reader.read(body), answer, exchange)));
    }

    private Mono<Void> serve(
            CompletionRequest request, Function<ChatCall, Mono<Void>> answer, ServerWebExchange exchange) {
        if (!request.ignoredFields().isEmpty()) {
            String ignored = NoteHeaders.ignoredFields(request.ignoredFields());
            exchange.getResponse().getHeaders().set(NoteHeaders.IGNORED_FIELDS, ignored);
            RequestRecord.of(exchange).onIgnoredFields(ignored);
        }
        ChatResponder responder = responder(request, exchange);
        return request.demands().isEmpty()
                ? answer.apply(call(request, responder, exchange))
                : schemas.compile(request.demands(), eventLoop(exchange))
                        .flatMap(check -> answer.apply(
                                call(request, checked(responder, check, request.stream(), exchange), exchange)));
    }

    private static ChatCall call(CompletionRequest request, ChatResponder responder, ServerWebExchange exchange) {
        return new ChatCall(request.model(), request.chat(), responder, eventLoop(exchange));
    }

    private static Executor eventLoop(ServerWebExchange exchange) {
        return ClientChannel.of(exchange.getRequest()).eventLoop();
    }

    /** A mismatch is told in a header, or in the last chunk of a stream. */
    private static ChatResponder checked(
            ChatResponder responder, AnswerCheck check, boolean stream, ServerWebExchange exchange) {
        RequestRecord record = RequestRecord.of(exchange);
        HttpHeaders headers = exchange.getResponse().getHeaders();
        Consumer<String> onMismatch = mismatch -> {
            record.onSchemaMismatch(mismatch);
            if (!stream) {
                headers.set(NoteHeaders.SCHEMA_MISMATCH, NoteHeaders.text(mismatch));
            }
        };
        return (model, queued, events) -> responder.respond(
                model,
                queued,
                check.check(events.doOnNext(record::onUncheckedEvents), onMismatch, eventLoop(exchange)));
    }

    private ChatResponder responder(CompletionRequest request, ServerWebExchange exchange) {
        DataBufferFactory buffers = exchange.getResponse().bufferFactory();
        RequestRecord record = RequestRecord.of(exchange);
        return request.stream()
                ? answerStream.responder(
                        (model, queued) -> new ChunkEncoder(
                                metadata.next(model), queued, record::schemaMismatch, request.includeUsage(), buffers),
                        exchange)
                : answerBody.responder(
                        (model, queued) -> new CompletionEncoder(metadata.next(model), queued), exchange);
    }
}
