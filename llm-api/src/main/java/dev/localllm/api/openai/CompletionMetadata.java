package dev.localllm.api.openai;

import dev.localllm.core.catalog.ModelId;

/**
 * The fields that all parts of one answer share.
 *
 * @param id of the completion, such as {@code chatcmpl-…}
 * @param created in seconds of Unix time
 */
public record CompletionMetadata(String id, long created, ModelId model) {}
