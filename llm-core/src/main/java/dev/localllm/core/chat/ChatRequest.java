package dev.localllm.core.chat;

import java.util.List;

/** What to answer, and how. Which model answers is said beside it. */
public record ChatRequest(List<Message> messages, GenerationOptions options) {

    public ChatRequest {
        messages = List.copyOf(messages);
        if (messages.isEmpty()) {
            throw new IllegalArgumentException("messages: [] (expected: one or more)");
        }
    }
}
