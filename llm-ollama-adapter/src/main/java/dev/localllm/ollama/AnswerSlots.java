package dev.localllm.ollama;

import dev.localllm.core.failure.LlmException;
import dev.localllm.core.failure.LlmFailure.Overloaded;
import io.netty.channel.Channel;
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

    /** Held until the exchange with Ollama is over, which is later than when its caller has left. Freed once. */
    final class Slot {

        private final AtomicBoolean held = new AtomicBoolean(true);
        private volatile @Nullable Connection connection;

        /** The exchange begins on this connection, which is closed if the slot was freed before it could. */
        void uses(Connection opened) {
            connection = opened;
            if (!held.get()) {
                opened.dispose();
            }
        }

        void free() {
            if (held.compareAndSet(true, false)) {
                free.release();
            }
        }

        /**
         * For exchanges that end before their answer: closes the connection, and frees the slot when that is done. The
         * cancel that reaches the HTTP client does not always close it: between the head of a response and its body it
         * is taken for a wish to skip the body.
         */
        void breakOff() {
            Connection used = connection;
            if (used != null) {
                used.onTerminate().subscribe(nothing -> {}, fault -> free(), this::free);
                Channel channel = used.channel();
                if (channel.isRegistered()) { // else the exchange is over
                    channel.eventLoop().execute(() -> closeUnlessOver(used));
                }
                return;
            }
            free();
            Connection late = connection;
            if (late != null) {
                late.dispose();
            }
        }

        /** A connection whose exchange is over may serve the next one. */
        @SuppressWarnings({"ReferenceEquality", "FutureReturnValueIgnored"}) // the very same; onTerminate tells
        private static void closeUnlessOver(Connection used) {
            if (Connection.from(used.channel()) == used) {
                used.channel().close();
            }
        }
    }
}
