package dev.localllm.api.metrics;

import dev.localllm.core.catalog.ModelId;
import java.util.Collection;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/**
 * Labels for models. Callers may name models that don't exist, so only those have a label of their own that are known
 * from the settings or have answered, and no more than a limit. Thread-safe.
 */
public final class ModelLabels {

    /** Before the model is resolved. */
    static final String NONE = "";

    /** Of all other models. Differs from all names, which have a tag. */
    static final String OTHER = "other";

    private final int maxModels;
    private final Set<String> known = ConcurrentHashMap.newKeySet();

    /** @param models known from the settings; they don't count against the limit */
    public ModelLabels(Collection<ModelId> models, int maxModels) {
        this.maxModels = maxModels + models.size();
        models.forEach(model -> known.add(model.normalized()));
    }

    /** Called when the model has answered, or was loaded. */
    void learn(ModelId model) {
        String name = model.normalized();
        if (!known.contains(name)) {
            synchronized (this) {
                if (known.size() < maxModels) {
                    known.add(name);
                }
            }
        }
    }

    /** The normalized name, {@link #OTHER} or {@link #NONE}. */
    String of(@Nullable ModelId model) {
        if (model == null) {
            return NONE;
        }
        String name = model.normalized();
        return known.contains(name) ? name : OTHER;
    }
}
