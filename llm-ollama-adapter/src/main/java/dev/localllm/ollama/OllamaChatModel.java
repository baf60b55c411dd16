package dev.localllm.ollama;

import dev.localllm.core.catalog.ModelId;
import dev.localllm.core.chat.ChatEvent;
import dev.localllm.core.chat.ChatModel;
import dev.localllm.core.chat.ChatRequest;
import dev.localllm.core.chat.CompletionRequest;
import dev.localllm.core.chat.Generation;
import dev.localllm.core.chat.GenerationRequest;
import dev.localllm.core.failure.LlmException;
import dev.localllm.core.failure.LlmFailure;
import dev.localllm.upstream.Upstream;
import io.netty.buffer.Unpooled;
import io.netty.handler.codec.http.HttpHeaderNames;
import java.util.List;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.publisher.SynchronousSink;
import reactor.netty.ByteBufFlux;
import reactor.netty.http.client.HttpClient.RequestSender;

/**
 * {@link ChatModel} over POST /api/chat and /api/generate, always streaming. Ollama's {@code /v1} is not used: it hides failures during a
 * stream and has neither num_ctx nor keep_alive.
 */
final class OllamaChatModel implements ChatModel {

    private final Upstream upstream;
    private final OllamaSettings settings;
    private final RequestSender chat;
    private final RequestSender generate;

    OllamaChatModel(Upstream upstream, OllamaSettings settings) {
        this.upstream = upstream;
        this.settings = settings;
        this.chat = upstream.post(LineFormat.CHAT.path());
        this.generate = upstream.post(LineFormat.GENERATE.path());
    }

    @Override
    public Generation open(ModelId model, GenerationRequest request) {
        return switch (request) {
            case ChatRequest r -> chat(model, r);
            case CompletionRequest r -> completion(model, r);
        };
    }

    private Generation chat(ModelId model, ChatRequest request) {
        ForcedTool forced = ForcedTool.of(request);
        byte[] body = OllamaJson.write(ChatBodies.of(model, request, forced, settings));
        return send(
                chat,
                model,
                body,
                (content, onEvents) -> new Answer(
                                new LineDecoder(LineFormat.CHAT, request.parallelToolCalls()),
                                forced == null
                                        ? null
                                        : new ForcedCall(forced.definition().name()),
                                onEvents)
                        .events(content));
    }

    private Generation completion(ModelId model, CompletionRequest request) {
        byte[] body = OllamaJson.write(GenerateBodies.of(model, request, settings));
        return send(
                generate,
                model,
                body,
                (content, onEvents) ->
                        new Answer(new LineDecoder(LineFormat.GENERATE, true), null, onEvents).events(content));
    }

    /** A chat without messages loads the model. With a keep_alive of zero, it would unload the model. */
    @Override
    public Generation load(ModelId model) {
        return settings.keepAlive().isZero()
                ? new Generation(Flux.empty(), Mono.empty())
                : send(
                        chat,
                        model,
                        OllamaJson.write(ChatBodies.load(model, settings)),
                        (content, onEvents) -> upstream.body(content)
                                .<List<ChatEvent>>handle((body, sink) -> {
                                    LlmFailure failure = OllamaFailures.ofLoad(body);
                                    if (failure != null) {
                                        sink.error(new LlmException(failure));
                                    }
                                })
                                .flux());
    }

    /** Decodes the content of a response with status 200. */
    @FunctionalInterface
    private interface ContentDecoder {
        Flux<List<ChatEvent>> decode(ByteBufFlux content, Consumer<List<ChatEvent>> onEvents);
    }

    private Generation send(RequestSender route, ModelId model, byte[] body, ContentDecoder decoder) {
        return upstream.open(
                model,
                (onConnected, onEvents) -> route.send((head, outbound) -> {
                            head.header(HttpHeaderNames.CONTENT_LENGTH, Integer.toString(body.length));
                            return outbound.withConnection(onConnected).sendObject(Unpooled.wrappedBuffer(body));
                        })
                        .response((response, content) -> response.status().code() == 200
                                ? decoder.decode(content, onEvents)
                                : refusal(response.status().code(), content, model)));
    }

    private Flux<List<ChatEvent>> refusal(int status, ByteBufFlux content, ModelId model) {
        return upstream.body(content)
                .<List<ChatEvent>>map(body -> {
                    throw new LlmException(OllamaFailures.ofStatus(status, body, model.value()));
                })
                .flux();
    }

    /**
     * One answer while it is decoded.
     *
     * @param forced makes the answer a call; null for an ordinary answer
     */
    private record Answer(LineDecoder decoder, @Nullable ForcedCall forced, Consumer<List<ChatEvent>> onEvents) {

        private Flux<List<ChatEvent>> events(ByteBufFlux content) {
            return content.<List<ChatEvent>>handle((read, sink) -> emit(decoder.decode(read), sink))
                    .concatWith(Mono.fromSupplier(decoder::end).handle(this::emit));
        }

        /** Emits the events, then the failure, if there is one. */
        private void emit(List<ChatEvent> decoded, SynchronousSink<List<ChatEvent>> sink) {
            if (!decoded.isEmpty()) {
                List<ChatEvent> events = forced == null ? decoded : forced.replace(decoded);
                onEvents.accept(events);
                if (!events.isEmpty()) {
                    sink.next(events);
                }
            }
            LlmFailure failure = failure();
            if (failure != null) {
                sink.error(new LlmException(failure));
            }
        }

        private @Nullable LlmFailure failure() {
            return forced == null || forced.failure() == null ? decoder.failure() : forced.failure();
        }
    }
}
