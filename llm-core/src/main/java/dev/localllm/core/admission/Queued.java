package dev.localllm.core.admission;

import org.jspecify.annotations.Nullable;

/** A request that has entered the queue. Thread-safe. */
public interface Queued {

    /** What the request waits for now; null once it has its permit and its model is loaded, or if it has ended. */
    @Nullable
    Place place();

    /** What the request has cost until now. */
    Receipt receipt();
}
