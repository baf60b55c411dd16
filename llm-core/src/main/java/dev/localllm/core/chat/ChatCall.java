package dev.localllm.core.chat;

import dev.localllm.core.catalog.ModelId;
import org.jspecify.annotations.Nullable;

/**
 * One decoded request and its responder.
 *
 * @param model as the caller named it; null for the default
 * @param responder sends the answer to the caller
 */
public record ChatCall(@Nullable ModelId model, ChatRequest request, ChatResponder responder) {}
