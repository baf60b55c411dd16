package dev.localllm.ollama;

import dev.localllm.core.chat.ChatRequest;
import dev.localllm.core.chat.ResponseFormat;
import dev.localllm.core.chat.ToolChoice;
import dev.localllm.core.chat.ToolDefinition;
import dev.localllm.core.failure.LlmException;
import dev.localllm.core.failure.LlmFailure.InvalidRequest;
import java.util.List;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * The tool that a request forces the model to call. Ollama has no tool choice: the answer's format is the schema of the
 * tool's parameters, an instruction tells the model about the function, and {@link ForcedCall} makes the answer a call.
 */
record ForcedTool(ToolDefinition definition) {

    private static final String FIELD = "tool_choice";

    /** Ollama's grammar looks at these keywords before it looks at the type. */
    private static final List<String> BEFORE_TYPE = List.of("$ref", "oneOf", "anyOf", "const", "enum");

    /**
     * The tool that the request's choice names, or its only tool if one is required; null if the model decides.
     *
     * @throws LlmException if Ollama can't enforce the choice
     */
    static @Nullable ForcedTool of(ChatRequest request) {
        boolean none = request.toolChoice() instanceof ToolChoice.None
                || request.tools().isEmpty();
        if (!none && !(request.format() instanceof ResponseFormat.Text)) {
            throw refusal(
                    "response_format",
                    "response_format: not supported together with tools, as a model whose answer has a format calls none"
                            + " (expected: text, or tool_choice none)");
        }
        return switch (request.toolChoice()) {
            case ToolChoice.Auto c -> null;
            case ToolChoice.None c -> null;
            case ToolChoice.Required c -> new ForcedTool(only(request.tools()));
            case ToolChoice.Function c -> new ForcedTool(named(c.name(), request.tools()));
        };
    }

    private static ToolDefinition only(List<ToolDefinition> tools) {
        if (tools.size() != 1) {
            throw refusal(
                    FIELD,
                    "tool_choice: required, with " + tools.size()
                            + " tools, but the model server can only require the call of a certain one (expected: exactly one tool, or the function's name)");
        }
        return tools.getFirst();
    }

    private static ToolDefinition named(String name, List<ToolDefinition> tools) {
        return tools.stream()
                .filter(tool -> tool.name().equals(name))
                .findFirst()
                .orElseThrow(
                        () -> refusal(FIELD, "tool_choice: '" + name + "' (expected: the name of one of the tools)"));
    }

    private static LlmException refusal(@Nullable String field, String message) {
        return new LlmException(new InvalidRequest(field, message));
    }

    /**
     * The schema of the parameters, which Ollama's grammar generates as an object.
     *
     * @throws LlmException if the grammar might generate something else
     */
    JsonNode format() {
        ObjectNode schema = ChatBodies.schema(definition);
        String type = schema.path("type").asString("object");
        if (!type.equals("object")) {
            throw notAnObject("type " + type);
        }
        for (String keyword : BEFORE_TYPE) {
            if (schema.has(keyword)) {
                throw notAnObject(keyword);
            }
        }
        return schema.put("type", type);
    }

    private LlmException notAnObject(String fault) {
        return refusal(
                null,
                "schema of the tool '" + definition.name() + "': " + fault
                        + " at its top (expected for a forced call: type object, with properties)");
    }

    /** For the model, to be part of the first system message. */
    String instruction() {
        String description = definition.description();
        return "Call the function \"" + definition.name() + "\" now."
                + (description == null ? "" : "\nWhat it does: " + description)
                + "\nJSON schema of its arguments: " + definition.schema()
                + "\nAnswer with the arguments as a JSON object only: no other text, no Markdown.";
    }
}
