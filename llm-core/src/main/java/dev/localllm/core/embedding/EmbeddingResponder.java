package dev.localllm.core.embedding;

import dev.localllm.core.admission.Queued;
import dev.localllm.core.catalog.ModelId;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/** Sends the embeddings of one request on a wire: the last step of {@link EmbeddingService#embed}. */
@FunctionalInterface
public interface EmbeddingResponder {

    /**
     * Sends the embeddings.
     *
     * @param model the resolved model: never an alias
     * @param queued tells what the request has cost
     * @param batches one or more, in the order of the inputs; the work starts when they are subscribed to and the permit
     *     is granted. They take one subscriber, a second one gets an {@link IllegalStateException}
     * @return fails with the failure of the batches
     */
    Mono<Void> respond(ModelId model, Queued queued, Flux<Embeddings> batches);
}
