package dev.localllm.ollama;

import dev.localllm.core.catalog.ModelId;
import dev.localllm.core.embedding.EmbeddingExchange;
import dev.localllm.core.embedding.EmbeddingModel;
import dev.localllm.core.embedding.EmbeddingRequest;
import dev.localllm.core.embedding.Embeddings;
import dev.localllm.core.failure.LlmException;
import dev.localllm.core.failure.LlmFailure;
import dev.localllm.core.failure.LlmFailure.ContextLengthExceeded;
import dev.localllm.core.failure.LlmFailure.InputTooLong;
import dev.localllm.upstream.Upstream;
import io.netty.buffer.Unpooled;
import io.netty.handler.codec.http.HttpHeaderNames;
import reactor.core.publisher.Mono;
import reactor.netty.ByteBufFlux;
import reactor.netty.http.client.HttpClient.RequestSender;

/**
 * {@link EmbeddingModel} over POST /api/embed. It has the num_ctx and keep_alive of every other request, so that an input
 * has the configured context, and the model stays loaded like the others.
 */
final class OllamaEmbeddings implements EmbeddingModel {

    private final Upstream upstream;
    private final OllamaSettings settings;
    private final RequestSender embed;

    OllamaEmbeddings(Upstream upstream, OllamaSettings settings) {
        this.upstream = upstream;
        this.settings = settings;
        this.embed = upstream.post("/api/embed");
    }

    @Override
    public EmbeddingExchange open(ModelId model, EmbeddingRequest request) {
        byte[] body = OllamaJson.write(new OllamaWire.EmbedBody(
                model.value(),
                request.inputs(),
                false,
                ChatBodies.keepAlive(settings),
                new OllamaWire.EmbedOptions(settings.contextTokens()),
                request.dimensions()));
        return upstream.open(
                model,
                onConnected -> embed.send((head, outbound) -> {
                            head.header(HttpHeaderNames.CONTENT_LENGTH, Integer.toString(body.length));
                            return outbound.withConnection(onConnected).sendObject(Unpooled.wrappedBuffer(body));
                        })
                        .response((response, content) -> response.status().code() == 200
                                ? decoded(content, request)
                                : refusal(response.status().code(), content, model)),
                EmbeddingExchange::new);
    }

    private static Mono<Embeddings> decoded(ByteBufFlux content, EmbeddingRequest request) {
        return content.collect(() -> new EmbedResponseDecoder(request), EmbedResponseDecoder::decode)
                .map(EmbedResponseDecoder::end);
    }

    private Mono<Embeddings> refusal(int status, ByteBufFlux content, ModelId model) {
        return upstream.body(content).map(body -> {
            LlmFailure failure = OllamaFailures.ofStatus(status, body, model.value());
            throw new LlmException(failure instanceof ContextLengthExceeded f ? new InputTooLong(f.detail()) : failure);
        });
    }
}
