package dev.localllm.api.memory;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.buffer.ByteBufInputStream;
import io.netty.buffer.Unpooled;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.springframework.core.io.buffer.DataBuffer;
import org.springframework.core.io.buffer.NettyDataBufferFactory;

/**
 * Collects bytes in pooled segments outside the heap, so that aborted bodies and many small pieces cause no garbage.
 * The segments are released once: by {@link #close}, or by closing the stream of {@link #take}. Thread-safe.
 */
public final class ReceivedBytes implements AutoCloseable {

    private static final int FIRST_SEGMENT = 512;
    private static final int MAX_SEGMENT = 16 << 10;

    private final ByteBufAllocator allocator;
    private final List<ByteBuf> segments = new ArrayList<>();
    private @Nullable ByteBuf last;
    private long length;
    private boolean over;

    public ReceivedBytes(ByteBufAllocator allocator) {
        this.allocator = allocator;
    }

    /**
     * Copies the readable bytes; the caller releases the buffer. Does nothing after {@link #take} or {@link #close}.
     */
    public synchronized void write(DataBuffer source) {
        ByteBuf from = NettyDataBufferFactory.toByteBuf(source);
        int index = from.readerIndex();
        while (!over && index < from.writerIndex()) {
            ByteBuf segment = writable();
            int count = Math.min(from.writerIndex() - index, segment.writableBytes());
            segment.writeBytes(from, index, count);
            index += count;
            length += count;
        }
    }

    /** Number of bytes written. */
    public synchronized long length() {
        return length;
    }

    /**
     * Returns the bytes as a stream, which the caller closes to release them; null after {@link #take} or
     * {@link #close}.
     */
    public synchronized @Nullable InputStream take() {
        if (over) {
            return null;
        }
        over = true;
        return new ByteBufInputStream(Unpooled.wrappedBuffer(segments.toArray(ByteBuf[]::new)), true);
    }

    /** Releases the bytes unless they were taken. Idempotent. */
    @Override
    public synchronized void close() {
        if (!over) {
            over = true;
            segments.forEach(ByteBuf::release);
        }
    }

    private ByteBuf writable() {
        ByteBuf segment = last;
        if (segment == null || !segment.isWritable()) {
            int size = segment == null ? FIRST_SEGMENT : Math.min(2 * segment.capacity(), MAX_SEGMENT);
            segment = allocator.directBuffer(size, size);
            segments.add(segment);
            last = segment;
        }
        return segment;
    }
}
