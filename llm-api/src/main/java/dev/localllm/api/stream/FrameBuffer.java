package dev.localllm.api.stream;

import java.util.ArrayDeque;
import java.util.Queue;
import org.springframework.core.io.buffer.DataBuffer;
import org.springframework.core.io.buffer.DataBufferUtils;

/**
 * The frames of one stream that its client has not taken yet. For the event loop of the client's connection alone.
 */
final class FrameBuffer {

    private final ReadAhead limits;
    private final Queue<DataBuffer> frames = new ArrayDeque<>();
    private long bytes;
    private long budgetedBytes;

    FrameBuffer(ReadAhead limits) {
        this.limits = limits;
    }

    boolean isEmpty() {
        return frames.isEmpty();
    }

    /** An empty one always has. */
    boolean hasRoom() {
        return isEmpty() || (bytes < limits.maxBytes() && limits.budget().hasRoom());
    }

    void add(DataBuffer frame) {
        frames.add(frame);
        bytes += frame.readableByteCount();
    }

    /** Hands over the next frame; there must be one. */
    DataBuffer remove() {
        DataBuffer frame = frames.remove();
        bytes -= frame.readableByteCount();
        return frame;
    }

    void releaseAll() {
        frames.forEach(DataBufferUtils::release);
        frames.clear();
        bytes = 0;
    }

    /** Only what has to wait is counted: streams whose client keeps up do not touch what all share. */
    void updateBudget() {
        if (budgetedBytes != bytes) {
            limits.budget().take(bytes - budgetedBytes);
            budgetedBytes = bytes;
        }
    }
}
