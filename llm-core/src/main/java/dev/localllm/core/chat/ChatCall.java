package dev.localllm.core.chat;

import dev.localllm.core.catalog.ModelId;
import org.jspecify.annotations.Nullable;

/**
 * One request as a wire has decoded it.
 *
 * @param model as the caller named it, or null for the default
 * @param responder sends the answer to this caller
 */
public record ChatCall(@Nullable ModelId model, ChatRequest request, ChatResponder responder) {}
