package dev.localllm.api.openai;

import dev.localllm.core.catalog.ModelId;

/**
 * What all parts of one answer say alike.
 *
 * @param id of the answer, as {@code chatcmpl-…}
 * @param created in seconds of Unix time
 */
record CompletionMetadata(String id, long created, ModelId model) {}
