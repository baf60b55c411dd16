package dev.localllm.core.admission;

import dev.localllm.core.failure.LlmException;
import dev.localllm.core.failure.LlmFailure.Overloaded;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicBoolean;

/** Limits concurrent generations. Never queues: fails with {@link Overloaded} at the limit. Thread-safe. */
public final class ConcurrencyLimit {

    private final Semaphore free;

    /** @param permits generations at once, 1 or more */
    public ConcurrencyLimit(int permits) {
        if (permits < 1) {
            throw new IllegalArgumentException("permits: " + permits + " (expected: 1 or more)");
        }
        this.free = new Semaphore(permits);
    }

    /**
     * Takes a permit for one generation, before its events are subscribed to.
     *
     * @return to be released when the exchange with the model server is over
     * @throws LlmException with {@link Overloaded} if there is none left
     */
    public Permit acquire() {
        if (!free.tryAcquire()) {
            throw new LlmException(
                    new Overloaded("The server works on as many answers as it may. Try again in a moment."));
        }
        return new Permit();
    }

    /** The right to one generation. Thread-safe. */
    public final class Permit {

        private final AtomicBoolean held = new AtomicBoolean(true);

        private Permit() {}

        /** Gives the permit back. Idempotent. */
        public void release() {
            if (held.compareAndSet(true, false)) {
                free.release();
            }
        }
    }
}
