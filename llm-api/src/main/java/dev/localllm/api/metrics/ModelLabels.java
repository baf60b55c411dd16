package dev.localllm.api.metrics;

import dev.localllm.core.catalog.ModelId;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/** Labels for models. Bounded, as callers may name models that don't exist. Thread-safe. */
final class ModelLabels {

    /** Of models after the first ones. Differs from all names, which have a tag. */
    static final String OTHER = "other";

    private final int maxModels;
    private final Set<String> known = ConcurrentHashMap.newKeySet();

    ModelLabels(int maxModels) {
        this.maxModels = maxModels;
    }

    /** The normalized name, or {@link #OTHER}. */
    String of(ModelId model) {
        String name = model.normalized();
        return known.contains(name) || learn(name) ? name : OTHER;
    }

    private synchronized boolean learn(String name) {
        return known.size() < maxModels && (known.add(name) || known.contains(name));
    }
}
