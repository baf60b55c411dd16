package dev.localllm.core.catalog;

import java.util.List;
import reactor.core.publisher.Mono;

/** The port that lists the models of one model server. Implementations are thread-safe. */
public interface ModelCatalog {

    /**
     * Lists the models; each subscription sends a new request.
     *
     * @return all models in the server's order, possibly none. Fails with an
     *     {@link dev.localllm.core.failure.LlmException}. Cancelling aborts the exchange.
     */
    Mono<List<ModelInfo>> list();
}
