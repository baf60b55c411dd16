package dev.localllm.core.prompt;

/** The configured system prompt, for chats without a system message. */
public record SystemPrompt(String text) {

    public SystemPrompt {
        if (text.isBlank()) {
            throw new IllegalArgumentException("system prompt: blank (expected: text, or no system prompt at all)");
        }
    }
}
