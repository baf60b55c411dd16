package dev.localllm.core.catalog;

import java.time.Instant;

/**
 * A model in the model server's memory.
 *
 * @param contextTokens of its requests; a request with another one makes the model server load the model again. 0 if not
 *     reported
 * @param expiry when the model server unloads it if no request comes; by the model server's clock
 */
public record LoadedModel(ModelId id, int contextTokens, Instant expiry) {}
