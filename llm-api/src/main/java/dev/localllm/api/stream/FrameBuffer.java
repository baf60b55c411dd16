package dev.localllm.api.stream;

import java.util.ArrayDeque;
import java.util.Queue;
import org.springframework.core.io.buffer.DataBuffer;
import org.springframework.core.io.buffer.DataBufferUtils;

/** Frames of one stream that wait for its client. Use it on the event loop of the client's connection only. */
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

    /** True if more frames may be added; always true for an empty buffer. */
    boolean hasRoom() {
        return isEmpty() || (bytes < limits.maxBytes() && limits.budget().hasRoom());
    }

    void add(DataBuffer frame) {
        frames.add(frame);
        bytes += frame.readableByteCount();
    }

    /** Removes the next frame, to be released by the caller. The buffer must not be empty. */
    DataBuffer remove() {
        DataBuffer frame = frames.remove();
        bytes -= frame.readableByteCount();
        return frame;
    }

    void releaseAll() {
        while (!isEmpty()) {
            DataBufferUtils.release(remove());
        }
    }

    /** Charges the budget with the bytes that wait now. Streams whose client keeps up don't touch the shared budget. */
    void updateBudget() {
        if (budgetedBytes != bytes) {
            limits.budget().take(bytes - budgetedBytes);
            budgetedBytes = bytes;
        }
    }
}
