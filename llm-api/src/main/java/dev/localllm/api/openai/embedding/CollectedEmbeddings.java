package dev.localllm.api.openai.embedding;

import dev.localllm.api.memory.ByteBudget;
import dev.localllm.core.embedding.Embeddings;
import dev.localllm.core.failure.LlmException;
import dev.localllm.core.failure.LlmFailure.Overloaded;
import java.nio.ByteBuffer;
import java.util.List;

/**
 * The body of one response while its embeddings arrive. The first batch tells the size of all: their bytes count against
 * the budget from then on until {@link #close}. Thread-safe: a response may be cancelled on another thread.
 */
final class CollectedEmbeddings implements AutoCloseable {

    private final EmbeddingEncoder encoder;
    private final EmbeddingBody request;
    private final ByteBudget budget;
    private long budgeted;
    private boolean closed;

    CollectedEmbeddings(EmbeddingEncoder encoder, EmbeddingBody request, ByteBudget budget) {
        this.encoder = encoder;
        this.request = request;
        this.budget = budget;
    }

    /**
     * Adds the next batch; does nothing once closed. Throws an {@link LlmException} if the response would be too large, or
     * all responses together exceed the budget.
     */
    synchronized void add(Embeddings batch) {
        if (closed) {
            return;
        }
        if (budgeted == 0) {
            reserve(batch.vectors().getFirst().length);
        }
        encoder.add(batch);
    }

    private void reserve(int dimensions) {
        long bytes = request.format().requireRoom(request.request().inputs().size(), dimensions);
        if (!budget.tryTake(bytes)) {
            throw new LlmException(
                    new Overloaded("Too many non-streaming responses at once. Try again in a moment.", true));
        }
        budgeted = bytes;
    }

    /** The body, in pieces. */
    synchronized List<ByteBuffer> encode() {
        return encoder.encode();
    }

    @Override
    public synchronized void close() {
        closed = true;
        budget.release(budgeted);
        budgeted = 0;
    }
}
