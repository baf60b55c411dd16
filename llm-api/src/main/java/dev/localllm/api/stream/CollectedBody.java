package dev.localllm.api.stream;

import dev.localllm.api.memory.ByteBudget;
import dev.localllm.core.chat.ChatEvent;
import dev.localllm.core.failure.LlmException;
import dev.localllm.core.failure.LlmFailure.Overloaded;
import dev.localllm.core.failure.LlmFailure.UpstreamProtocol;
import java.nio.ByteBuffer;
import java.util.List;

/**
 * The collected body of one response. Its bytes count against the budget until {@link #close}. Thread-safe: a response
 * may be cancelled on another thread than that of its events.
 */
final class CollectedBody implements AutoCloseable {

    private static final int MAX_BYTES = 8 << 20;

    private final BodyEncoder encoder;
    private final ByteBudget budget;
    private long budgeted;
    private boolean closed;

    CollectedBody(BodyEncoder encoder, ByteBudget budget) {
        this.encoder = encoder;
        this.budget = budget;
    }

    /**
     * Adds events; does nothing once closed. Throws an {@link LlmException} if this response exceeds 8 MB, or all
     * responses together exceed the budget.
     */
    synchronized void add(List<ChatEvent> events) {
        if (closed) {
            return;
        }
        long held = encoder.add(events);
        if (held > MAX_BYTES) {
            throw new LlmException(new UpstreamProtocol("The response is larger than " + MAX_BYTES + " bytes."));
        }
        if (!budget.tryTake(held - budgeted)) {
            throw new LlmException(new Overloaded("Too many non-streaming responses at once: use stream:true.", true));
        }
        budgeted = held;
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
