package dev.localllm.core.chat;

import dev.localllm.core.catalog.ModelId;
import java.util.concurrent.Executor;
import org.jspecify.annotations.Nullable;

/**
 * One decoded request and its responder.
 *
 * @param model as the caller named it; null for the default
 * @param responder sends the answer to the caller
 * @param thread starts the generation after a wait: that of the caller's connection, so that a start and a cancel don't
 *     race
 */
public record ChatCall(@Nullable ModelId model, GenerationRequest request, ChatResponder responder, Executor thread) {}
