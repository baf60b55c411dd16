/**
 * Embeddings of texts. {@link dev.localllm.core.embedding.EmbeddingService} is the use case,
 * {@link dev.localllm.core.embedding.EmbeddingModel} the port to a model server.
 */
@NullMarked
package dev.localllm.core.embedding;

import org.jspecify.annotations.NullMarked;
