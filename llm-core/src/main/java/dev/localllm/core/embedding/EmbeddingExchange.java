package dev.localllm.core.embedding;

import reactor.core.publisher.Mono;

/**
 * One exchange with a model server, for one batch. It starts when its embeddings are subscribed to.
 *
 * @param embeddings as {@link EmbeddingModel#open} specifies. They take one subscriber; a second one gets an
 *     {@link IllegalStateException}
 * @param closed completes when the exchange is not open, as {@link dev.localllm.core.embedding.EmbeddingModel#open}
 *     specifies. Before the embeddings have a subscriber, it completes at once. Never fails and takes any number of
 *     subscribers; cancelling one has no effect on the others
 */
public record EmbeddingExchange(Mono<Embeddings> embeddings, Mono<Void> closed) {}
