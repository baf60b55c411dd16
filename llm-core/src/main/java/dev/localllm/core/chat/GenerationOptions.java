package dev.localllm.core.chat;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Options of a generation. Null means the model's default.
 *
 * @param topK number of the most probable tokens to choose from
 * @param minP minimum probability of a token, relative to that of the most probable one
 * @param repeatPenalty factor for tokens that were generated already; 1 for none
 * @param maxTokens maximum tokens of the answer; null means limited by the context only
 * @param stop sequences that end the answer and are not part of it; empty for none
 * @param topLogprobs number of alternatives to report with the log probability of each token of the text; null for no
 *     log probabilities
 */
public record GenerationOptions(
        @Nullable Double temperature,
        @Nullable Double topP,
        @Nullable Integer topK,
        @Nullable Double minP,
        @Nullable Double repeatPenalty,
        @Nullable Double frequencyPenalty,
        @Nullable Double presencePenalty,
        @Nullable Integer maxTokens,
        List<String> stop,
        @Nullable Long seed,
        @Nullable Integer topLogprobs) {

    public static final GenerationOptions DEFAULTS =
            new GenerationOptions(null, null, null, null, null, null, null, null, List.of(), null, null);

    public GenerationOptions {
        stop = List.copyOf(stop);
    }

    /** A copy with at most {@code limit} tokens. */
    GenerationOptions withMaxTokens(int limit) {
        return new GenerationOptions(
                temperature,
                topP,
                topK,
                minP,
                repeatPenalty,
                frequencyPenalty,
                presencePenalty,
                maxTokens == null ? limit : Math.min(maxTokens, limit),
                stop,
                seed,
                topLogprobs);
    }
}
