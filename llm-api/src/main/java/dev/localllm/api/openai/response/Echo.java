package dev.localllm.api.openai.response;

import dev.localllm.core.chat.JsonText;
import dev.localllm.core.chat.ToolChoice;
import dev.localllm.core.chat.ToolDefinition;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.util.RawValue;

/**
 * What an answer repeats of its request, as the server has read it. The rendered prompt of the catalogue and the configured
 * system prompt are no part of it.
 *
 * @param toolChoice a mode or a {@link NamedTool}
 * @param metadata a JSON object
 */
record Echo(
        @Nullable JsonText instructions,
        @Nullable Integer maxOutputTokens,
        boolean parallelToolCalls,
        Reasoning reasoning,
        @Nullable Double temperature,
        Text text,
        Object toolChoice,
        List<Tool> tools,
        @Nullable Double topP,
        @Nullable JsonText user,
        RawValue metadata) {

    record Reasoning(@Nullable String effort, @Nullable String summary) {}

    /** @param format a JSON object */
    record Text(RawValue format) {}

    /** @param parameters a JSON schema */
    record Tool(String type, JsonText name, @Nullable JsonText description, RawValue parameters, boolean strict) {
        static Tool of(ToolDefinition tool, boolean strict) {
            return new Tool("function", JsonText.of(tool.name()), text(tool.description()), raw(tool.schema()), strict);
        }
    }

    record NamedTool(String type, JsonText name) {}

    Echo {
        tools = List.copyOf(tools);
    }

    static Object of(ToolChoice choice) {
        return switch (choice) {
            case ToolChoice.Auto c -> "auto";
            case ToolChoice.None c -> "none";
            case ToolChoice.Required c -> "required";
            case ToolChoice.Function c -> new NamedTool("function", JsonText.of(c.name()));
        };
    }

    static @Nullable JsonText text(@Nullable String text) {
        return text == null ? null : JsonText.of(text);
    }

    /** @param json an object; null for an empty one */
    static RawValue raw(@Nullable JsonNode json) {
        return raw(json == null ? "{}" : json.toString());
    }

    /** Unpaired surrogates, which can't be written as UTF-8, become question marks. */
    static RawValue raw(String json) {
        return new RawValue(new String(json.getBytes(StandardCharsets.UTF_8), StandardCharsets.UTF_8));
    }
}
