package dev.localllm.core.admission;

import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;

/**
 * The permits that are held of each model, and which models are loaded. Models are named by their normalized names. Not
 * thread-safe.
 */
final class ModelPermits {

    private final Map<String, Integer> parallelByModel;
    private final int parallel;
    private final Map<String, Integer> held = new HashMap<>();
    private Set<String> loaded = Set.of();

    /** Models that those who hold permits have to load first. */
    private final Set<String> loading = new HashSet<>();

    ModelPermits(QueueLimits limits) {
        this.parallelByModel = limits.parallelByName();
        this.parallel = limits.parallel();
    }

    boolean isFree(String model) {
        return of(model) < parallelByModel.getOrDefault(model, parallel);
    }

    /** Number of permits that are held of the model. */
    int of(String model) {
        return held.getOrDefault(model, 0);
    }

    int all() {
        return held.values().stream().mapToInt(count -> count).sum();
    }

    /** True if no permit of another model is held. */
    boolean areOnlyOf(String model) {
        return held.isEmpty() || held.keySet().equals(Set.of(model));
    }

    void take(String model) {
        held.merge(model, 1, Integer::sum);
        if (!loaded.contains(model)) {
            loaded = Set.of(model); // until the model server tells more
            loading.add(model);
        }
    }

    void giveBack(String model) {
        held.computeIfPresent(model, (name, count) -> count == 1 ? null : count - 1);
        if (!held.containsKey(model) && loading.remove(model)) {
            loaded = without(model); // nobody has loaded it
        }
    }

    /** True if the model is loaded or being loaded, or if nothing is known. */
    boolean needsNoSwitch(String model) {
        return loaded.isEmpty() || loaded.contains(model);
    }

    boolean isLoading(String model) {
        return loading.contains(model);
    }

    /** Returns true at the end of the load, false if it has ended already. */
    boolean onLoaded(String model) {
        return loading.remove(model);
    }

    /**
     * The model server's report.
     *
     * @return false if it is older than the latest switch: it lacks a model of which permits are held
     */
    boolean report(Set<String> models) {
        boolean isCurrent = models.containsAll(held.keySet());
        if (isCurrent) {
            loaded = models;
        }
        return isCurrent;
    }

    Set<String> loaded() {
        return loaded;
    }

    private Set<String> without(String model) {
        Set<String> others = new HashSet<>(loaded);
        others.remove(model);
        return others;
    }
}
