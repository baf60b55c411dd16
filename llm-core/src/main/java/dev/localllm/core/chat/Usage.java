package dev.localllm.core.chat;

import org.jspecify.annotations.Nullable;

/**
 * What an answer took, in tokens of the model that gave it.
 *
 * @param promptTokens including those found in the model server's cache
 * @param cachedPromptTokens those of them that were found in the cache; null where the model server doesn't tell, 0 where
 *     it tells that there were none
 */
public record Usage(int promptTokens, @Nullable Integer cachedPromptTokens, int completionTokens) {

    public int totalTokens() {
        return promptTokens + completionTokens;
    }
}
