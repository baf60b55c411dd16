/** POST /v1/embeddings. Entry point: {@link dev.localllm.api.openai.embedding.EmbeddingController}. */
@NullMarked
package dev.localllm.api.openai.embedding;

import org.jspecify.annotations.NullMarked;
