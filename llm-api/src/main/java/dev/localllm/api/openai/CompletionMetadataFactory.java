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

    CompletionMetadata next(ModelId model) {
        return new CompletionMetadata(
                "chatcmpl-" + uniqueIds.get(), clock.instant().getEpochSecond(), model);
    }
}
