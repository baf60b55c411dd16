package dev.localllm.api.memory;

import java.io.ByteArrayInputStream;
import java.io.InputStream;
import java.io.SequenceInputStream;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.springframework.core.io.buffer.DataBuffer;

/**
 * Bytes that arrive in pieces, copied into segments: neither many small pieces nor growth cost more than about
 * twice their size. Not thread-safe.
 */
public final class SegmentedBytes {

    private static final int FIRST_SEGMENT = 512;
    private static final int MAX_SEGMENT = 16 << 10;

    private final List<byte[]> full = new ArrayList<>();
    private byte[] last = new byte[FIRST_SEGMENT];
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

    /** Copies the rest of the buffer, which the caller releases. */
    public void write(DataBuffer source) {
        while (source.readableByteCount() > 0) {
            int copied = Math.min(source.readableByteCount(), room());
            source.read(last, lastLength, copied);
            advance(copied);
        }
    }

    public long length() {
        return length;
    }

    /** The bytes written so far, not copied. Write no more afterwards. */
    public InputStream inputStream() {
        List<InputStream> segments = new ArrayList<>();
        for (byte[] segment : full) {
            segments.add(new ByteArrayInputStream(segment));
        }
        segments.add(new ByteArrayInputStream(last, 0, lastLength));
        return new SequenceInputStream(Collections.enumeration(segments));
    }

    /** Views of the bytes written so far, not copied. Write no more afterwards. */
    public List<ByteBuffer> buffers() {
        List<ByteBuffer> buffers = new ArrayList<>();
        for (byte[] segment : full) {
            buffers.add(ByteBuffer.wrap(segment));
        }
        buffers.add(ByteBuffer.wrap(last, 0, lastLength));
        return buffers;
    }

    private int room() {
        if (lastLength == last.length) {
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
