package dev.localllm.api.openai;

import dev.localllm.core.catalog.ModelId;
import java.time.InstantSource;
import java.util.function.Supplier;

/** Creates the metadata of each completion. Thread-safe if {@code uniqueIds} is. */
public final class CompletionMetadataFactory {

    private final InstantSource clock;
    private final Supplier<String> uniqueIds;

    public CompletionMetadataFactory(InstantSource clock, Supplier<String> uniqueIds) {
        this.clock = clock;
        this.uniqueIds = uniqueIds;
    }

    /**
     * The metadata of the next completion.
     *
     * @param idPrefix of the route, such as {@code chatcmpl-}
     */
    public CompletionMetadata next(String idPrefix, ModelId model) {
        return new CompletionMetadata(
                idPrefix + uniqueIds.get(), clock.instant().getEpochSecond(), model);
    }
}
