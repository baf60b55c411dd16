package dev.localllm.core.embedding;

import dev.localllm.core.catalog.ModelId;
import java.util.concurrent.Executor;

/**
 * One decoded request and its responder.
 *
 * @param model as the caller named it
 * @param thread starts the work after a wait: that of the caller's connection
 */
public record EmbeddingCall(ModelId model, EmbeddingRequest request, EmbeddingResponder responder, Executor thread) {}
