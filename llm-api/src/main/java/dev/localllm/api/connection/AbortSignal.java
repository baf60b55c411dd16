package dev.localllm.api.connection;

import java.util.function.Consumer;
import reactor.core.Disposable;

/** Tells listeners to end early. Thread-safe. */
@FunctionalInterface
public interface AbortSignal {

    /**
     * Adds a listener.
     *
     * @param listener called with the reason, on any thread, possibly more than once; at once if the signal was given
     *     before
     * @return removes the listener
     */
    Disposable listen(Consumer<Throwable> listener);
}
