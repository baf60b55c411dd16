package dev.localllm.core.chat;

import org.jspecify.annotations.Nullable;

/**
 * Token counts of one answer.
 *
 * @param promptTokens including cached ones
 * @param cachedPromptTokens prompt tokens from the model server's cache; null if not reported
 */
public record Usage(int promptTokens, @Nullable Integer cachedPromptTokens, int completionTokens) {

    public int totalTokens() {
        return promptTokens + completionTokens;
    }
}
