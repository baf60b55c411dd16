package dev.localllm.core.chat;

import dev.localllm.core.catalog.ModelId;
import java.util.List;
import reactor.core.publisher.Flux;

/**
 * The port to a model server. Implementations are safe for use by many threads and pass ChatModelContract.
 */
public interface ChatModel {

    /**
     * Generates one answer per subscription; nothing happens before.
     *
     * <p>Events that were ready together arrive together: each list is what one read of the upstream brought,
     * in order, and is never empty. The last event of the last list is {@link ChatEvent.Finished}; a stream
     * without it fails. Every failure that is no programming error is an
     * {@link dev.localllm.core.failure.LlmException}; events that came before it stay valid. There is no retry
     * once an event has been delivered.
     *
     * <p>Cancelling, in whatever phase, closes the exchange with the model server, which stops generating.
     * Demand is counted in lists; without demand the upstream is not read.
     */
    Flux<List<ChatEvent>> stream(ModelId model, ChatRequest request);
}
