package dev.localllm.ollama;

import dev.localllm.core.failure.LlmException;
import dev.localllm.core.failure.LlmFailure.Overloaded;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;
import reactor.netty.Connection;

/** As many answers as may be generated at once; nobody waits. Thread-safe. */
final class AnswerSlots {

    private final Semaphore free;

    AnswerSlots(int count) {
        this.free = new Semaphore(count);
    }

    /** Takes a slot, or fails with {@link Overloaded}. */
    Slot take() {
        if (!free.tryAcquire()) {
            throw new LlmException(
                    new Overloaded("The server works on as many answers as it may. Try again in a moment."));
        }
        return new Slot();
    }

    /** Held until Ollama is done with the exchange, which is later than when its caller has left. Freed once. */
    final class Slot {

        private final AtomicBoolean held = new AtomicBoolean(true);
        private volatile @Nullable Connection connection;

        /** The exchange has begun on this connection. */
        void uses(Connection opened) {
            connection = opened;
        }

        void free() {
            if (held.compareAndSet(true, false)) {
                free.release();
            }
        }

        /** For exchanges that were broken off: their connection is being closed. */
        void freeWhenClosed() {
            Connection used = connection;
            if (used == null) {
                free();
            } else {
                used.onTerminate().subscribe(nothing -> {}, fault -> free(), this::free);
            }
        }
    }
}
