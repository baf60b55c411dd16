package dev.localllm.core.catalog;

import java.time.Instant;

/**
 * A model of the model server.
 *
 * @param modifiedAt when the model server last changed it
 * @param chat false for a model that can't chat, such as an embedding model
 */
public record ModelInfo(ModelId id, Instant modifiedAt, boolean chat) {}
