package dev.localllm.api.openai;

import dev.localllm.core.catalog.ModelId;
import java.time.InstantSource;
import java.util.function.Supplier;

/** Makes the head of each answer. Thread-safe if the source of ids is. */
public final class ResponseHeads {

    private final InstantSource clock;
    private final Supplier<String> uniqueIds;

    public ResponseHeads(InstantSource clock, Supplier<String> uniqueIds) {
        this.clock = clock;
        this.uniqueIds = uniqueIds;
    }

    ResponseHead next(ModelId model) {
        return new ResponseHead("chatcmpl-" + uniqueIds.get(), clock.instant().getEpochSecond(), model);
    }
}
