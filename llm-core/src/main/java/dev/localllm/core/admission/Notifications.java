package dev.localllm.core.admission;

import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;

/**
 * Delivers items one after the other, on the threads that call {@link #deliver}. A receiver may add and deliver further
 * items: they come after it has returned, without recursion. Thread-safe.
 */
final class Notifications<T> {

    private final Consumer<T> receiver;
    private final Queue<T> items = new ConcurrentLinkedQueue<>();
    private final AtomicInteger calls = new AtomicInteger();

    Notifications(Consumer<T> receiver) {
        this.receiver = receiver;
    }

    void add(T item) {
        items.add(item);
    }

    /** Delivers all items, unless another thread does so now. If a receiver throws, so does this, at the end. */
    void deliver() {
        if (items.isEmpty() || calls.getAndIncrement() != 0) {
            return;
        }
        Throwable fault = null;
        do {
            for (T item = items.poll(); item != null; item = items.poll()) {
                try {
                    receiver.accept(item);
                } catch (RuntimeException | Error e) { // the others must be told, too
                    fault = e;
                }
            }
        } while (calls.decrementAndGet() != 0);
        switch (fault) {
            case RuntimeException e -> throw e;
            case Error e -> throw e;
            case null, default -> {}
        }
    }
}
