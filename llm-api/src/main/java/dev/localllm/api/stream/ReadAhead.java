package dev.localllm.api.stream;

import dev.localllm.api.memory.ByteBudget;

/**
 * How much may be buffered for slow clients, so that the model server doesn't wait for them.
 *
 * @param maxBytes limit of one stream's buffer, which may be exceeded by at most {@link OpenStream#WINDOW} frames
 * @param budget limit of all buffers together; a stream with an empty buffer may always continue
 */
public record ReadAhead(long maxBytes, ByteBudget budget) {}
