package dev.localllm.core.prompt;

/** The environment's own system prompt, for chats that bring none. */
public record SystemPrompt(String text) {

    public SystemPrompt {
        if (text.isBlank()) {
            throw new IllegalArgumentException("system prompt: blank (expected: text, or no system prompt at all)");
        }
    }
}
