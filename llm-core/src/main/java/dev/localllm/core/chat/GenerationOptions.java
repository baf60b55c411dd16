package dev.localllm.core.chat;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Options of a generation. Null means the model's default.
 *
 * @param maxTokens maximum tokens of the answer; null means limited by the context only
 * @param stop sequences that end the answer and are not part of it; empty for none
 */
public record GenerationOptions(
        @Nullable Double temperature,
        @Nullable Double topP,
        @Nullable Integer maxTokens,
        List<String> stop,
        @Nullable Long seed,
        @Nullable Double frequencyPenalty,
        @Nullable Double presencePenalty) {

    public static final GenerationOptions DEFAULTS =
            new GenerationOptions(null, null, null, List.of(), null, null, null);

    public GenerationOptions {
        stop = List.copyOf(stop);
    }

    /** A copy with at most {@code limit} tokens. */
    GenerationOptions withMaxTokens(int limit) {
        int tokens = maxTokens == null ? limit : Math.min(maxTokens, limit);
        return new GenerationOptions(temperature, topP, tokens, stop, seed, frequencyPenalty, presencePenalty);
    }
}
