package dev.localllm.core.catalog;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The model names that callers may use. A name that maps to another name is an alias. An empty map allows every model
 * of the server under its own name.
 */
public record AllowedModels(Map<ModelId, ModelId> targets) {

    public static final AllowedModels ALL = new AllowedModels(Map.of());

    public AllowedModels {
        targets = Collections.unmodifiableMap(new LinkedHashMap<>(targets));
    }

    public boolean all() {
        return targets.isEmpty();
    }

    /** The model that the name maps to, or null if the name is not allowed. */
    public @Nullable ModelId target(ModelId name) {
        if (all()) {
            return name;
        }
        for (Map.Entry<ModelId, ModelId> entry : targets.entrySet()) {
            if (entry.getKey().matches(name)) {
                return entry.getValue();
            }
        }
        return null;
    }
}
