package dev.localllm.api.memory;

import java.util.concurrent.atomic.AtomicLong;

/** A limit on bytes, shared by many users. Never blocks. Thread-safe. */
public final class ByteBudget {

    private final long capacity;
    private final AtomicLong used = new AtomicLong();

    /** @param capacity in bytes */
    public ByteBudget(long capacity) {
        this.capacity = capacity;
    }

    /** Takes the bytes and returns true if they fit, else takes nothing and returns false. */
    public boolean tryTake(long bytes) {
        if (used.addAndGet(bytes) <= capacity) {
            return true;
        }
        used.addAndGet(-bytes);
        return false;
    }

    /** Takes the bytes even beyond the capacity: they are in memory already. Negative values release bytes. */
    public void take(long bytes) {
        used.addAndGet(bytes);
    }

    /** Releases bytes that were taken. */
    public void release(long bytes) {
        used.addAndGet(-bytes);
    }

    /** True while less than the capacity is used. */
    public boolean hasRoom() {
        return used.get() < capacity;
    }

    /** The limit, in bytes. */
    public long capacity() {
        return capacity;
    }

    /** Bytes in use; may exceed the capacity. */
    public long used() {
        return used.get();
    }
}
