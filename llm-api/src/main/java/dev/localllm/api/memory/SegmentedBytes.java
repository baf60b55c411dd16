package dev.localllm.api.memory;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;

/**
 * Collects bytes in heap segments. Uses at most about twice the memory of its content, even for many small pieces. Not
 * thread-safe.
 */
public final class SegmentedBytes {

    private static final int FIRST_SEGMENT = 512;
    private static final int MAX_SEGMENT = 16 << 10;

    private final List<byte[]> full = new ArrayList<>();
    private byte[] last = {};
    private int lastLength;
    private long length;

    /** Copies the bytes. */
    public void write(byte[] source, int offset, int count) {
        int from = offset;
        while (from < offset + count) {
            int copied = Math.min(offset + count - from, room());
            System.arraycopy(source, from, last, lastLength, copied);
            advance(copied);
            from += copied;
        }
    }

    public long length() {
        return length;
    }

    /** Views of the written bytes, not copied. Don't write afterwards. */
    public List<ByteBuffer> buffers() {
        List<ByteBuffer> buffers = new ArrayList<>();
        for (byte[] segment : full) {
            buffers.add(ByteBuffer.wrap(segment));
        }
        buffers.add(ByteBuffer.wrap(last, 0, lastLength));
        return buffers;
    }

    /** A copy of the written bytes. */
    public byte[] toByteArray() {
        byte[] copy = new byte[Math.toIntExact(length)];
        int offset = 0;
        for (ByteBuffer buffer : buffers()) {
            int count = buffer.remaining();
            buffer.get(copy, offset, count);
            offset += count;
        }
        return copy;
    }

    private int room() {
        if (last.length == 0) {
            last = new byte[FIRST_SEGMENT];
        } else if (lastLength == last.length) {
            full.add(last);
            last = new byte[Math.min(2 * last.length, MAX_SEGMENT)];
            lastLength = 0;
        }
        return last.length - lastLength;
    }

    private void advance(int count) {
        lastLength += count;
        length += count;
    }
}
