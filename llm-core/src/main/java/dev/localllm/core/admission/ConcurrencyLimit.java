package dev.localllm.core.admission;

import dev.localllm.core.failure.LlmException;
import dev.localllm.core.failure.LlmFailure.Overloaded;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicBoolean;

/** Limits concurrent generations. Never queues: fails with {@link Overloaded} at the limit. Thread-safe. */
public final class ConcurrencyLimit {

    private final Semaphore free;

    /** @param permits maximum of concurrent generations, 1 or more */
    public ConcurrencyLimit(int permits) {
        if (permits < 1) {
            throw new IllegalArgumentException("permits: " + permits + " (expected: 1 or more)");
        }
        this.free = new Semaphore(permits);
    }

    /**
     * Acquires a permit for one generation. Call it before the events are subscribed to. Never blocks.
     *
     * @return the permit, which the caller releases when the exchange with the model server is over
     * @throws LlmException with {@link Overloaded} at the limit
     */
    public Permit acquire() {
        if (!free.tryAcquire()) {
            throw new LlmException(
                    new Overloaded("The server is at its limit of concurrent requests. Try again in a moment."));
        }
        return new Permit();
    }

    /** A permit for one generation. Thread-safe. */
    public final class Permit {

        private final AtomicBoolean held = new AtomicBoolean(true);

        private Permit() {}

        /** Releases the permit. Idempotent. */
        public void release() {
            if (held.compareAndSet(true, false)) {
                free.release();
            }
        }
    }
}
