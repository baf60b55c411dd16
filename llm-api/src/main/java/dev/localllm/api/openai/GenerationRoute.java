package dev.localllm.api.openai;

import dev.localllm.api.connection.ClientChannel;
import dev.localllm.api.request.Operation;
import dev.localllm.api.request.RequestBodies;
import dev.localllm.api.request.RequestRecord;
import dev.localllm.api.schema.AnswerCheck;
import dev.localllm.api.schema.AnswerSchemas;
import dev.localllm.core.chat.ChatCall;
import dev.localllm.core.chat.ChatResponder;
import dev.localllm.core.chat.ChatService;
import java.io.InputStream;
import java.util.concurrent.Executor;
import java.util.function.BiFunction;
import java.util.function.Consumer;
import java.util.function.Function;
import org.springframework.http.HttpHeaders;
import org.springframework.web.server.ServerWebExchange;
import reactor.core.publisher.Mono;

/**
 * Serves the requests for generations of OpenAI's wire: charges, receives and reads the body, tells ignored fields, checks
 * answers against schemas. Thread-safe.
 */
public final class GenerationRoute {

    private final ChatService chats;
    private final RequestBodies bodies;
    private final AnswerSchemas schemas;

    public GenerationRoute(ChatService chats, RequestBodies bodies, AnswerSchemas schemas) {
        this.chats = chats;
        this.bodies = bodies;
        this.schemas = schemas;
    }

    /**
     * Serves one request.
     *
     * @param reader reads the body; throws an {@link dev.localllm.core.failure.LlmException} that names the first invalid
     *     field
     * @param responder creates the responder, in the format of the route
     */
    public <B extends GenerationBody> Mono<Void> serve(
            ServerWebExchange exchange,
            Operation operation,
            Function<InputStream, B> reader,
            BiFunction<B, ServerWebExchange, ChatResponder> responder) {
        HttpHeaders headers = exchange.getResponse().getHeaders();
        RequestRecord record = RequestRecord.of(exchange);
        record.onOperation(operation);
        return chats.answer(
                record.client(),
                decision -> RateLimitHeaders.write(decision, headers),
                answer -> bodies.receive(exchange, input -> {
                    B body = reader.apply(input);
                    return serve(body, responder.apply(body, exchange), answer, exchange);
                }));
    }

    private Mono<Void> serve(
            GenerationBody body,
            ChatResponder responder,
            Function<ChatCall, Mono<Void>> answer,
            ServerWebExchange exchange) {
        NoteHeaders.tellIgnored(body.ignoredFields(), exchange);
        return body.demands().isEmpty()
                ? answer.apply(call(body, responder, exchange))
                : schemas.compile(body.demands(), eventLoop(exchange))
                        .flatMap(check ->
                                answer.apply(call(body, checked(responder, check, body.stream(), exchange), exchange)));
    }

    private static ChatCall call(GenerationBody body, ChatResponder responder, ServerWebExchange exchange) {
        return new ChatCall(body.model(), body.request(), responder, eventLoop(exchange));
    }

    private static Executor eventLoop(ServerWebExchange exchange) {
        return ClientChannel.of(exchange.getRequest()).eventLoop();
    }

    /** A mismatch is told in a header, or in the last frame of a stream. */
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
}
