package dev.localllm.api.openai.embedding;

import dev.localllm.core.catalog.ModelId;
import dev.localllm.core.embedding.EmbeddingRequest;
import java.util.List;

/**
 * The parsed and checked body of a request for embeddings.
 *
 * @param ignoredFields paths of fields that have no effect, possibly none
 */
record EmbeddingBody(ModelId model, EmbeddingRequest request, VectorFormat format, List<String> ignoredFields) {}
