package dev.localllm.core.chat;

import dev.localllm.core.catalog.ModelId;
import java.util.Map;
import java.util.stream.Collectors;

/** Whether models think when the request doesn't say it. */
public final class DefaultThinking {

    public static final DefaultThinking NONE = new DefaultThinking(Map.of());

    private final Map<String, Thinking> byName;

    /**
     * Models that are not in the map do as {@link Thinking#MODEL_DEFAULT}.
     *
     * @throws IllegalArgumentException if two names mean the same model
     */
    public DefaultThinking(Map<ModelId, Thinking> byModel) {
        this.byName = byModel.entrySet().stream()
                .collect(Collectors.toUnmodifiableMap(
                        entry -> entry.getKey().normalized(), Map.Entry::getValue, (first, second) -> {
                            throw new IllegalArgumentException("models: two names of one (expected: one name)");
                        }));
    }

    /** The thinking that the request asks for, or else the model's. */
    Thinking of(ModelId model, Thinking requested) {
        return requested == Thinking.MODEL_DEFAULT && !byName.isEmpty()
                ? byName.getOrDefault(model.normalized(), requested)
                : requested;
    }
}
