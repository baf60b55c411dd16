package dev.localllm.core.catalog;

import java.util.List;
import reactor.core.publisher.Mono;

/** The port that lists what one model server has in its memory. Implementations are thread-safe. */
@FunctionalInterface
public interface LoadedModels {

    /**
     * Lists the loaded models; each subscription sends a new request.
     *
     * @return all loaded models, possibly none. Fails with an {@link dev.localllm.core.failure.LlmException}. Cancelling
     *     aborts the exchange.
     */
    Mono<List<LoadedModel>> list();
}
