package dev.localllm.core.chat;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * How to generate. Null means the model's own default.
 *
 * @param maxTokens tokens of the response at most; null means as many as the context holds
 * @param stop texts that end the answer and are not part of it; empty for none
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

    /** The same options with at most so many tokens. */
    GenerationOptions withMaxTokens(int limit) {
        int tokens = maxTokens == null ? limit : Math.min(maxTokens, limit);
        return new GenerationOptions(temperature, topP, tokens, stop, seed, frequencyPenalty, presencePenalty);
    }
}
