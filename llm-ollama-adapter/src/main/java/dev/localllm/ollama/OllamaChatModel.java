package dev.localllm.ollama;

import dev.localllm.core.catalog.ModelId;
import dev.localllm.core.chat.ChatEvent;
import dev.localllm.core.chat.ChatModel;
import dev.localllm.core.chat.ChatRequest;
import dev.localllm.core.chat.Generation;
import dev.localllm.core.failure.LlmException;
import dev.localllm.core.failure.LlmFailure;
import io.netty.buffer.Unpooled;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaderValues;
import java.util.List;
import java.util.function.Consumer;
import java.util.function.LongSupplier;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.publisher.SynchronousSink;
import reactor.netty.ByteBufFlux;
import reactor.netty.Connection;
import reactor.netty.http.client.HttpClient;

/**
 * {@link ChatModel} over POST /api/chat, always streamed. The native route and not Ollama's {@code /v1}: that one
 * hides failures in mid-stream and knows neither num_ctx nor keep_alive.
 */
final class OllamaChatModel implements ChatModel {

    private final HttpClient client;
    private final OllamaSettings settings;
    private final Circuits circuits;
    private final LongSupplier clock;

    OllamaChatModel(HttpClient client, OllamaSettings settings, Circuits circuits, LongSupplier clock) {
        this.client =
                client.headers(headers -> headers.set(HttpHeaderNames.CONTENT_TYPE, HttpHeaderValues.APPLICATION_JSON));
        this.settings = settings;
        this.circuits = circuits;
        this.clock = clock;
    }

    @Override
    public Generation open(ModelId model, ChatRequest request) {
        Exchange exchange = new Exchange();
        return new Generation(
                exchange.guard(circuits.guard(model, answer(model, request, exchange))), exchange.closed());
    }

    /** Fails with the network's own faults; the circuits judge by them. */
    private Flux<List<ChatEvent>> answer(ModelId model, ChatRequest request, Exchange exchange) {
        return Flux.defer(() -> {
            byte[] body = OllamaJson.write(ChatBodies.of(model, request, settings));
            AnswerDeadline deadline = new AnswerDeadline(settings, clock);
            return post(model, body, exchange::connected, deadline::heard)
                    .doOnRequest(deadline::wanted)
                    .takeUntilOther(deadline.passed())
                    .concatWith(deadline.failure())
                    .onErrorResume(fault -> {
                        if (deadline.isFinished()) {
                            return Mono.empty(); // what breaks after the end breaks nothing
                        }
                        exchange.abort();
                        return Mono.error(fault);
                    })
                    .doOnComplete(() -> {
                        if (deadline.isExceeded()) {
                            exchange.abort();
                        } else {
                            exchange.complete();
                        }
                    });
        });
    }

    /**
     * @param begun told of the connection when the request is sent
     * @param heard told of everything that comes
     */
    private Flux<List<ChatEvent>> post(
            ModelId model, byte[] body, Consumer<Connection> begun, Consumer<List<ChatEvent>> heard) {
        return client.headers(headers -> headers.setInt(HttpHeaderNames.CONTENT_LENGTH, body.length))
                .doOnRequest((request, connection) -> begun.accept(connection))
                .post()
                .uri("/api/chat")
                .send(Mono.fromSupplier(() -> Unpooled.wrappedBuffer(body)))
                .response((response, content) -> response.status().code() == 200
                        ? events(content, heard)
                        : refusal(response.status().code(), content, model));
    }

    private static Flux<List<ChatEvent>> refusal(int status, ByteBufFlux content, ModelId model) {
        return OllamaJson.body(content)
                .<List<ChatEvent>>map(body -> {
                    throw new LlmException(OllamaFailures.ofStatus(status, body, model.value()));
                })
                .flux();
    }

    private static Flux<List<ChatEvent>> events(ByteBufFlux content, Consumer<List<ChatEvent>> heard) {
        ChatLineDecoder decoder = new ChatLineDecoder();
        return content.<List<ChatEvent>>handle((read, sink) -> emit(decoder.decode(read), decoder, heard, sink))
                .concatWith(
                        Mono.fromSupplier(decoder::end).handle((events, sink) -> emit(events, decoder, heard, sink)));
    }

    /** What came before a failure is delivered before it. */
    private static void emit(
            List<ChatEvent> events,
            ChatLineDecoder decoder,
            Consumer<List<ChatEvent>> heard,
            SynchronousSink<List<ChatEvent>> sink) {
        if (!events.isEmpty()) {
            heard.accept(events);
            sink.next(events);
        }
        LlmFailure failure = decoder.failure();
        if (failure != null) {
            sink.error(new LlmException(failure));
        }
    }
}
