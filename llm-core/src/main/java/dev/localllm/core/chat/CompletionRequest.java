package dev.localllm.core.chat;

import org.jspecify.annotations.Nullable;

/**
 * A text to complete, without roles.
 *
 * @param prompt the text to continue; not empty
 * @param suffix the text after the gap that the model fills; null if there is no gap
 */
public record CompletionRequest(String prompt, @Nullable String suffix, GenerationOptions options)
        implements GenerationRequest {

    public CompletionRequest {
        if (prompt.isEmpty()) {
            throw new IllegalArgumentException("prompt: '' (expected: text)");
        }
    }

    @Override
    public long characters() {
        return (long) prompt.length() + (suffix == null ? 0 : suffix.length());
    }

    CompletionRequest with(GenerationOptions options) {
        return new CompletionRequest(prompt, suffix, options);
    }
}
