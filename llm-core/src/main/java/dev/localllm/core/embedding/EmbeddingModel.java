package dev.localllm.core.embedding;

import dev.localllm.core.catalog.ModelId;

/** The port to a model server that embeds texts. Implementations are thread-safe and pass EmbeddingModelContract. */
@FunctionalInterface
public interface EmbeddingModel {

    /**
     * Opens one exchange, which embeds all inputs of the request at once. Sends no request and takes no resources before
     * its embeddings are subscribed to. Loads the model if necessary.
     *
     * <p>An input that exceeds the model's context is never cut: the embeddings fail. Every failure except a programming
     * error is an {@link dev.localllm.core.failure.LlmException}.
     *
     * <p>Cancelling closes the exchange. {@link EmbeddingExchange#closed} completes when the response was received to its
     * end, when no request was sent, or when the connection is closed; at the latest after a time limit of the
     * implementation.
     */
    EmbeddingExchange open(ModelId model, EmbeddingRequest request);
}
