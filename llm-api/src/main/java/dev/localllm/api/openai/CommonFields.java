package dev.localllm.api.openai;

import dev.localllm.api.json.Fields;
import dev.localllm.core.catalog.ModelId;
import dev.localllm.core.chat.GenerationOptions;
import dev.localllm.core.chat.Thinking;
import org.jspecify.annotations.Nullable;

/** Reads the fields that several routes of OpenAI's wire share. */
public final class CommonFields {

    private static final int MAX_STOP_TEXTS = 4;
    private static final String EFFORTS = "none, minimal, low, medium, high or xhigh";

    private CommonFields() {}

    /** The named model; null for the default. */
    public static @Nullable ModelId model(Fields fields) {
        String name = fields.string("model");
        if (name == null) {
            return null;
        }
        if (!ModelId.isName(name)) {
            throw fields.wrong("model", "the name of a model, such as qwen3:4b");
        }
        return new ModelId(name);
    }

    /**
     * The options of sampling and the stop sequences.
     *
     * @param maxTokens null for the server's limit
     * @param topLogprobs null for no log probabilities
     */
    public static GenerationOptions options(Fields fields, @Nullable Integer maxTokens, @Nullable Integer topLogprobs) {
        return new GenerationOptions(
                fields.number("temperature", 0, 2),
                fields.number("top_p", 0, 1),
                toInt(fields.integer("top_k", 1, Integer.MAX_VALUE)),
                fields.number("min_p", 0, 1),
                fields.number("repeat_penalty", 0, 2),
                fields.number("frequency_penalty", -2, 2),
                fields.number("presence_penalty", -2, 2),
                maxTokens,
                fields.strings("stop", MAX_STOP_TEXTS),
                fields.integer("seed", Long.MIN_VALUE, Long.MAX_VALUE),
                topLogprobs);
    }

    /** How much the model is to think, by the name of the effort in the field. */
    public static Thinking effort(Fields fields, String name) {
        return switch (fields.string(name)) {
            case null -> Thinking.MODEL_DEFAULT;
            case "none" -> Thinking.OFF;
            case "minimal", "low" -> Thinking.LOW;
            case "medium" -> Thinking.MEDIUM;
            case "high" -> Thinking.HIGH;
            case "xhigh" -> Thinking.MAX;
            default -> throw fields.wrong(name, EFFORTS);
        };
    }

    /**
     * The number as an Integer.
     *
     * @param number in the range of int
     */
    public static @Nullable Integer toInt(@Nullable Long number) {
        return number == null ? null : Math.toIntExact(number);
    }
}
