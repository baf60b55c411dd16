package dev.localllm.core.chat;

import dev.localllm.core.catalog.ModelId;

/** The port to a model server. Implementations are thread-safe and pass ChatModelContract. */
public interface ChatModel {

    /**
     * Opens one generation. Sends no request and takes no resources before its events are subscribed to.
     *
     * <p>Each list holds the events of one read from the model server, in order; it is never empty. The last event of
     * the last list is {@link ChatEvent.Finished}; without it the stream fails. Every failure except a programming
     * error is an {@link dev.localllm.core.failure.LlmException}; earlier events stay valid. There is no retry after
     * the first event.
     *
     * <p>Cancelling, in any phase, closes the exchange with the model server, so that it stops generating;
     * {@link Generation#closed} completes then. Demand counts lists; without demand nothing is read from the model
     * server.
     *
     * @throws dev.localllm.core.failure.LlmException if this model server can't serve such a request
     */
    Generation open(ModelId model, GenerationRequest request);

    /**
     * Opens the load of a model into the model server's memory, as {@link #open} opens a generation. The events stay
     * empty, and complete when the model is loaded; at once if the model server keeps no model loaded.
     */
    Generation load(ModelId model);
}
