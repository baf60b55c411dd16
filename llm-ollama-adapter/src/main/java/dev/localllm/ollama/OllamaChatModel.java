package dev.localllm.ollama;

import dev.localllm.core.catalog.ModelId;
import dev.localllm.core.chat.ChatEvent;
import dev.localllm.core.chat.ChatModel;
import dev.localllm.core.chat.ChatRequest;
import dev.localllm.core.failure.LlmException;
import dev.localllm.core.failure.LlmFailure;
import io.netty.buffer.Unpooled;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaderValues;
import java.util.List;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.publisher.SynchronousSink;
import reactor.netty.ByteBufFlux;
import reactor.netty.http.client.HttpClient;

/**
 * {@link ChatModel} over POST /api/chat, always streamed. The native route and not Ollama's {@code /v1}: that one
 * hides failures in mid-stream and knows neither num_ctx nor keep_alive.
 */
final class OllamaChatModel implements ChatModel {

    private final HttpClient client;
    private final OllamaSettings settings;

    OllamaChatModel(HttpClient client, OllamaSettings settings) {
        this.client =
                client.headers(headers -> headers.set(HttpHeaderNames.CONTENT_TYPE, HttpHeaderValues.APPLICATION_JSON));
        this.settings = settings;
    }

    @Override
    public Flux<List<ChatEvent>> stream(ModelId model, ChatRequest request) {
        return Flux.defer(() -> {
                    byte[] body = OllamaJson.write(ChatBodies.of(model, request, settings));
                    return client.headers(headers -> headers.setInt(HttpHeaderNames.CONTENT_LENGTH, body.length))
                            .post()
                            .uri("/api/chat")
                            .send(Mono.fromSupplier(() -> Unpooled.wrappedBuffer(body)))
                            .response((response, content) ->
                                    events(response.status().code(), content, model));
                })
                .onErrorMap(OllamaFailures::ofThrowable);
    }

    private static Flux<List<ChatEvent>> events(int status, ByteBufFlux content, ModelId model) {
        if (status != 200) {
            return OllamaJson.body(content)
                    .<List<ChatEvent>>map(body -> {
                        throw new LlmException(OllamaFailures.ofStatus(status, body, model.value()));
                    })
                    .flux();
        }
        ChatLineDecoder decoder = new ChatLineDecoder();
        return content.<List<ChatEvent>>handle((read, sink) -> emit(decoder.decode(read), decoder.failure(), sink))
                .concatWith(Mono.fromSupplier(decoder::end)
                        .handle((events, sink) -> emit(events, decoder.failure(), sink)));
    }

    /** What came before a failure is delivered before it. */
    private static void emit(
            List<ChatEvent> events, @Nullable LlmFailure failure, SynchronousSink<List<ChatEvent>> sink) {
        if (!events.isEmpty()) {
            sink.next(events);
        }
        if (failure != null) {
            sink.error(new LlmException(failure));
        }
    }
}
