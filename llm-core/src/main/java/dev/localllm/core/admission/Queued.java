package dev.localllm.core.admission;

import org.jspecify.annotations.Nullable;

/** A request that may wait in the queue. Thread-safe. */
@FunctionalInterface
public interface Queued {

    /** The place in the queue now; null if the request doesn't wait. */
    @Nullable
    Place place();
}
