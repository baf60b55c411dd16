package dev.localllm.api.stream;

import dev.localllm.api.memory.ByteBudget;
import dev.localllm.core.chat.ChatEvent;
import dev.localllm.core.failure.LlmException;
import dev.localllm.core.failure.LlmFailure.Overloaded;
import dev.localllm.core.failure.LlmFailure.UpstreamProtocol;
import java.nio.ByteBuffer;
import java.util.List;

/**
 * The body of one response as long as it is collected. What it holds counts against a budget until it is closed.
 * Thread-safe, as a response may be given up on another thread than the one that brings events.
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

    /** Fails when this response, or all of them together, become too large to be collected. */
    synchronized void add(List<ChatEvent> events) {
        if (closed) {
            return;
        }
        long held = encoder.add(events);
        if (held > MAX_BYTES) {
            throw new LlmException(new UpstreamProtocol("The response is larger than " + MAX_BYTES + " bytes."));
        }
        if (!budget.tryTake(held - budgeted)) {
            throw new LlmException(
                    new Overloaded("The server collects too many non-streaming responses: use stream:true.", true));
        }
        budgeted = held;
    }

    /** In pieces. */
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
