package dev.localllm.core.catalog;

import java.time.Instant;

/**
 * A model that is there.
 *
 * @param modifiedAt when the model server last changed it
 * @param chat whether it can hold a chat; an embedding model can't
 */
public record ModelInfo(ModelId id, Instant modifiedAt, boolean chat) {}
