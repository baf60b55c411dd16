package dev.localllm.core.chat;

/** A piece of a {@link Message}. */
public sealed interface Part {

    /** May be empty. */
    record Text(String text) implements Part {}

    /**
     * An image.
     *
     * @param base64 an image file in a format that the model supports
     */
    record Image(String base64) implements Part {
        public Image {
            require(base64, "base64", "an image file");
        }
    }

    /**
     * A tool call that the model requests.
     *
     * @param id identifies the call within the conversation
     * @param arguments a JSON object, as text
     */
    record ToolCall(String id, String function, String arguments) implements Part {
        public ToolCall {
            require(id, "id", "the call's id");
            require(function, "function", "the function's name");
        }
    }

    /**
     * The result of a tool call.
     *
     * @param callId id of the {@link ToolCall}
     * @param toolName name of the called function
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
