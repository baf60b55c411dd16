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
 * Bytes that arrive in pieces, copied into pooled segments outside the heap: bodies that are aborted cost the collector
 * nothing, and neither do many small pieces. The segments are released once, by {@link #close} or by whoever takes
 * them. Thread-safe.
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

    /** Copies what is readable; the caller releases it. Does nothing once the bytes were taken or closed. */
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

    /** How many bytes were written. */
    public synchronized long length() {
        return length;
    }

    /** The bytes as a stream, which releases them when it is closed; null if they were taken or closed before. */
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
