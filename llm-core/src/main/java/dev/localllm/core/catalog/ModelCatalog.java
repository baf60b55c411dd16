package dev.localllm.core.catalog;

import java.util.List;
import reactor.core.publisher.Mono;

/** The models of one model server. Implementations are safe for use by many threads. */
public interface ModelCatalog {

    /**
     * Asks anew on each subscription.
     *
     * @return all models in the server's own order; an empty list if there are none. Fails with an
     *     {@link dev.localllm.core.failure.LlmException}. Cancelling gives up the exchange.
     */
    Mono<List<ModelInfo>> list();
}
