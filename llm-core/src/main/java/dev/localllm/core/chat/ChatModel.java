package dev.localllm.core.chat;

import dev.localllm.core.catalog.ModelId;

/**
 * The port to a model server. Implementations are safe for use by many threads and pass ChatModelContract.
 */
public interface ChatModel {

    /**
     * Opens one generation. Nothing happens and nothing is taken before its events are subscribed to.
     *
     * <p>Events that were ready together arrive together: each list is what one read of the upstream brought,
     * in order, and is never empty. The last event of the last list is {@link ChatEvent.Finished}; a stream
     * without it fails. Every failure that is no programming error is an
     * {@link dev.localllm.core.failure.LlmException}; events that came before it stay valid. There is no retry
     * once an event has been delivered.
     *
     * <p>Cancelling, in whatever phase, closes the exchange with the model server, which stops generating;
     * {@link Generation#closed} tells when that is done. Demand is counted in lists; without demand the upstream is
     * not read.
     */
    Generation open(ModelId model, ChatRequest request);
}
