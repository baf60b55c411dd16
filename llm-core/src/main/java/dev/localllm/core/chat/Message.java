package dev.localllm.core.chat;

import java.util.List;

/**
 * One turn of a chat.
 *
 * @param parts in order, possibly none. Only users send images, only assistants send tool calls; a tool's message is
 *     exactly one result
 */
public record Message(Role role, List<Part> parts) {

    public Message {
        parts = List.copyOf(parts);
        for (Part part : parts) {
            if (!fits(part, role)) {
                throw new IllegalArgumentException("parts: " + part.getClass().getSimpleName() + " of " + role
                        + " (expected: text; also images from users, calls from assistants; only results from tools)");
            }
        }
        if (role == Role.TOOL && parts.size() != 1) {
            throw new IllegalArgumentException("parts: " + parts.size() + " of a tool (expected: 1)");
        }
    }

    /** A message of one text. */
    public Message(Role role, String text) {
        this(role, List.of(new Part.Text(text)));
    }

    private static boolean fits(Part part, Role role) {
        return switch (part) {
            case Part.Text p -> role != Role.TOOL;
            case Part.Image p -> role == Role.USER;
            case Part.ToolCall p -> role == Role.ASSISTANT;
            case Part.ToolResult p -> role == Role.TOOL;
        };
    }
}
