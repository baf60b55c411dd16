package dev.localllm.core.chat;

/** What an answer took, in tokens of the model that gave it. Prompt tokens include those found in its cache. */
public record Usage(int promptTokens, int completionTokens) {

    public int totalTokens() {
        return promptTokens + completionTokens;
    }
}
