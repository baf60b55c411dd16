package dev.localllm.api.memory;

import java.util.concurrent.atomic.AtomicLong;

/** Counts the bytes that many holders share. Never waits. Thread-safe. */
public final class ByteBudget {

    private final long capacity;
    private final AtomicLong used = new AtomicLong();

    /** @param capacity in bytes */
    public ByteBudget(long capacity) {
        this.capacity = capacity;
    }

    /** Takes the bytes if they fit; otherwise takes nothing and returns false. */
    public boolean tryTake(long bytes) {
        if (used.addAndGet(bytes) <= capacity) {
            return true;
        }
        used.addAndGet(-bytes);
        return false;
    }

    /** Takes bytes that are in memory already, whether they fit or not. */
    public void take(long bytes) {
        used.addAndGet(bytes);
    }

    /** Gives back bytes that were taken. */
    public void release(long bytes) {
        used.addAndGet(-bytes);
    }

    /** True while less than the capacity is used. */
    public boolean hasRoom() {
        return used.get() < capacity;
    }

    /** In bytes. */
    public long used() {
        return used.get();
    }
}
