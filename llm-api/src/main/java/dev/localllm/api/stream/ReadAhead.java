package dev.localllm.api.stream;

import dev.localllm.api.memory.ByteBudget;

/**
 * How far streams may be read ahead of clients that read slowly, so that the model server need not wait for them.
 *
 * @param maxBytes buffered for one stream; exceeded by at most {@link OpenStream#WINDOW} frames
 * @param budget for what is buffered for all streams; a stream whose buffer is empty may always go on
 */
public record ReadAhead(long maxBytes, ByteBudget budget) {}
