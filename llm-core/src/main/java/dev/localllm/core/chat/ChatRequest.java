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

    /** UTF-16 characters of all its text. Images don't count: the limit of a request's body bounds them. */
    long characters() {
        return messages.stream()
                .flatMap(message -> message.parts().stream())
                .mapToLong(ChatRequest::characters)
                .sum();
    }

    private static long characters(Part part) {
        return switch (part) {
            case Part.Text p -> p.text().length();
            case Part.Image p -> 0;
            case Part.ToolCall p -> characters(p.id(), p.function(), p.arguments());
            case Part.ToolResult p -> characters(p.callId(), p.toolName(), p.text());
        };
    }

    private static long characters(String... texts) {
        long sum = 0;
        for (String text : texts) {
            sum += text.length();
        }
        return sum;
    }
}
