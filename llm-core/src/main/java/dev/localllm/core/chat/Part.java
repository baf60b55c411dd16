package dev.localllm.core.chat;

/** A piece of a {@link Message}. */
public sealed interface Part {

    /** May be empty. */
    record Text(String text) implements Part {}

    /**
     * A picture.
     *
     * @param base64 an image file in a format that the model knows
     */
    record Image(String base64) implements Part {
        public Image {
            require(base64, "base64", "an image file");
        }
    }

    /**
     * A call that the model wants made.
     *
     * @param id names the call within the conversation
     * @param arguments a JSON object as text
     */
    record ToolCall(String id, String function, String arguments) implements Part {
        public ToolCall {
            require(id, "id", "the call's id");
            require(function, "function", "the function's name");
        }
    }

    /**
     * What came of a call.
     *
     * @param callId the {@link ToolCall}'s id
     * @param toolName the function that was called
     * @param text may be empty
     */
    record ToolResult(String callId, String toolName, String text) implements Part {
        public ToolResult {
            require(callId, "callId", "the call's id");
            require(toolName, "toolName", "the function's name");
        }
    }

    private static void require(String value, String name, String expected) {
        if (value.isEmpty()) {
            throw new IllegalArgumentException(name + ": '' (expected: " + expected + ")");
        }
    }
}
