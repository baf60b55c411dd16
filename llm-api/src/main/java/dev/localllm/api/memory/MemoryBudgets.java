package dev.localllm.api.memory;

/**
 * What all requests of the server share.
 *
 * @param bodies request bodies, until their requests end
 * @param responses non-streaming answers that are being collected
 * @param embeddings responses with embeddings that are being collected; not shared with answers, which they must not
 *     displace
 * @param streams frames that wait for slow clients
 */
public record MemoryBudgets(BodyBudget bodies, ByteBudget responses, ByteBudget embeddings, ByteBudget streams) {}
