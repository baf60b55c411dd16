package dev.localllm.core.chat;

import dev.localllm.core.catalog.ModelId;
import org.jspecify.annotations.Nullable;

/**
 * One decoded request, with the way to respond to it.
 *
 * @param model as the caller named it; null for the default
 * @param responder sends the answer to the caller
 */
public record ChatCall(@Nullable ModelId model, ChatRequest request, ChatResponder responder) {}
