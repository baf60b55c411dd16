package dev.localllm.core.chat;

import dev.localllm.core.catalog.ModelId;
import java.util.Map;

/**
 * Whether models think when the request doesn't say it.
 *
 * @param byModel models that are not in it do as {@link Thinking#MODEL_DEFAULT}
 */
public record DefaultThinking(Map<ModelId, Thinking> byModel) {

    public static final DefaultThinking NONE = new DefaultThinking(Map.of());

    public DefaultThinking {
        byModel = Map.copyOf(byModel);
    }

    /** The thinking that the request asks for, or else the model's. */
    Thinking of(ModelId model, Thinking requested) {
        if (requested != Thinking.MODEL_DEFAULT || byModel.isEmpty()) {
            return requested;
        }
        return byModel.entrySet().stream()
                .filter(entry -> entry.getKey().matches(model))
                .map(Map.Entry::getValue)
                .findFirst()
                .orElse(requested);
    }
}
