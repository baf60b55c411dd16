package dev.localllm.core.catalog;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The names that callers may use, each with the model it stands for; a name that stands for another one is an
 * alias. No names at all means that every model of the server may be used under its own name.
 */
public record AllowedModels(Map<ModelId, ModelId> targets) {

    public static final AllowedModels ALL = new AllowedModels(Map.of());

    public AllowedModels {
        targets = Collections.unmodifiableMap(new LinkedHashMap<>(targets));
    }

    public boolean all() {
        return targets.isEmpty();
    }

    /** The model that the name stands for, or null if callers may not use that name. */
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
