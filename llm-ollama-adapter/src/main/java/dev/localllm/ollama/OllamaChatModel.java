package dev.localllm.ollama;

import dev.localllm.core.catalog.ModelId;
import dev.localllm.core.chat.ChatEvent;
import dev.localllm.core.chat.ChatModel;
import dev.localllm.core.chat.ChatRequest;
import dev.localllm.core.chat.Generation;
import dev.localllm.core.failure.LlmException;
import dev.localllm.core.failure.LlmFailure;
import dev.localllm.upstream.Upstream;
import io.netty.buffer.Unpooled;
import io.netty.handler.codec.http.HttpHeaderNames;
import java.util.List;
import java.util.function.Consumer;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.publisher.SynchronousSink;
import reactor.netty.ByteBufFlux;
import reactor.netty.http.client.HttpClient.RequestSender;

/**
 * {@link ChatModel} over POST /api/chat, always streaming. Ollama's {@code /v1} is not used: it hides failures during a
 * stream and has neither num_ctx nor keep_alive.
 */
final class OllamaChatModel implements ChatModel {

    private final Upstream upstream;
    private final OllamaSettings settings;
    private final RequestSender chat;

    OllamaChatModel(Upstream upstream, OllamaSettings settings) {
        this.upstream = upstream;
        this.settings = settings;
        this.chat = upstream.post("/api/chat");
    }

    @Override
    public Generation open(ModelId model, ChatRequest request) {
        return send(
                model,
                OllamaJson.write(ChatBodies.of(model, request, settings)),
                (content, onEvents) -> events(content, new ChatLineDecoder(request.parallelToolCalls()), onEvents));
    }

    /** A chat without messages loads the model. With a keep_alive of zero, it would unload the model. */
    @Override
    public Generation load(ModelId model) {
        return settings.keepAlive().isZero()
                ? new Generation(Flux.empty(), Mono.empty())
                : send(
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

    private Generation send(ModelId model, byte[] body, ContentDecoder decoder) {
        return upstream.open(
                model,
                (onConnected, onEvents) -> chat.send((head, outbound) -> {
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

    private static Flux<List<ChatEvent>> events(
            ByteBufFlux content, ChatLineDecoder decoder, Consumer<List<ChatEvent>> onEvents) {
        return content.<List<ChatEvent>>handle((read, sink) -> emit(decoder.decode(read), decoder, onEvents, sink))
                .concatWith(Mono.fromSupplier(decoder::end)
                        .handle((events, sink) -> emit(events, decoder, onEvents, sink)));
    }

    /** Emits the events, then the decoder's failure, if there is one. */
    private static void emit(
            List<ChatEvent> events,
            ChatLineDecoder decoder,
            Consumer<List<ChatEvent>> onEvents,
            SynchronousSink<List<ChatEvent>> sink) {
        if (!events.isEmpty()) {
            onEvents.accept(events);
            sink.next(events);
        }
        LlmFailure failure = decoder.failure();
        if (failure != null) {
            sink.error(new LlmException(failure));
        }
    }
}
