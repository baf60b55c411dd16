package dev.localllm.core.chat;

import org.jspecify.annotations.Nullable;

/**
 * A function that the model may call.
 *
 * @param description for the model; null for none
 * @param schema JSON schema of the arguments object, as text
 */
public record ToolDefinition(String name, @Nullable String description, String schema) {

    public ToolDefinition {
        if (name.isEmpty()) {
            throw new IllegalArgumentException("name: '' (expected: the function's name)");
        }
    }
}
