package dev.localllm.ollama;

import dev.localllm.core.catalog.ModelId;
import dev.localllm.core.chat.ChatRequest;
import dev.localllm.core.chat.GenerationOptions;
import dev.localllm.core.chat.Message;
import dev.localllm.core.chat.Part;
import dev.localllm.core.chat.ResponseFormat;
import dev.localllm.core.chat.Role;
import dev.localllm.core.chat.Thinking;
import dev.localllm.core.chat.ToolChoice;
import dev.localllm.core.chat.ToolDefinition;
import dev.localllm.core.failure.LlmException;
import dev.localllm.core.failure.LlmFailure.InvalidRequest;
import dev.localllm.core.failure.LlmFailure.UnsupportedByModel;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.BooleanNode;
import tools.jackson.databind.node.StringNode;

/**
 * Builds the body of POST /api/chat. Throws an {@link LlmException} if Ollama can't serve the request. An Ollama
 * message has one text and a list of images; the order of text and images is lost.
 */
final class ChatBodies {

    private ChatBodies() {}

    static OllamaWire.ChatBody of(ModelId model, ChatRequest request, OllamaSettings settings) {
        Integer topLogprobs = request.options().topLogprobs();
        return new OllamaWire.ChatBody(
                model.value(),
                messages(request),
                true,
                false,
                false,
                keepAlive(settings),
                options(request.options(), settings),
                tools(model, request),
                format(request.format()),
                think(request.thinking()),
                topLogprobs == null ? null : true,
                topLogprobs == null || topLogprobs == 0 ? null : topLogprobs);
    }

    /** The body that loads the model, with the same options as that of every chat. */
    static OllamaWire.ChatBody load(ModelId model, OllamaSettings settings) {
        return new OllamaWire.ChatBody(
                model.value(),
                List.of(),
                true,
                false,
                false,
                keepAlive(settings),
                options(GenerationOptions.DEFAULTS, settings),
                List.of(),
                null,
                null,
                null,
                null);
    }

    /** Ollama has no tool choice: the model decides. {@code None} is expressed by sending no tools. */
    private static List<OllamaWire.Tool> tools(ModelId model, ChatRequest request) {
        return switch (request.toolChoice()) {
            case ToolChoice.Auto c ->
                request.tools().stream().map(ChatBodies::tool).toList();
            case ToolChoice.None c -> List.of();
            case ToolChoice.Required c -> throw unsupported(model);
            case ToolChoice.Function c -> throw unsupported(model);
        };
    }

    private static LlmException unsupported(ModelId model) {
        return new LlmException(new UnsupportedByModel(model.value(), "Tool calls can't be required.", null));
    }

    private static OllamaWire.Tool tool(ToolDefinition tool) {
        return new OllamaWire.Tool(
                "function",
                new OllamaWire.DefinedFunction(
                        tool.name(),
                        tool.description(),
                        object(tool.schema(), "schema of the tool '" + tool.name() + "'")));
    }

    private static @Nullable JsonNode format(ResponseFormat format) {
        return switch (format) {
            case ResponseFormat.Text f -> null;
            case ResponseFormat.Json f -> StringNode.valueOf("json");
            case ResponseFormat.JsonSchema f -> object(f.schema(), "schema of the response format");
        };
    }

    private static @Nullable JsonNode think(Thinking thinking) {
        return switch (thinking) {
            case MODEL_DEFAULT -> null;
            case OFF -> BooleanNode.FALSE;
            case ON -> BooleanNode.TRUE;
            case LOW -> StringNode.valueOf("low");
            case MEDIUM -> StringNode.valueOf("medium");
            case HIGH -> StringNode.valueOf("high");
            case MAX -> StringNode.valueOf("max");
        };
    }

    private static List<OllamaWire.ChatMessage> messages(ChatRequest request) {
        List<OllamaWire.ChatMessage> messages =
                new ArrayList<>(request.messages().size());
        for (Message message : request.messages()) {
            messages.add(message(message));
        }
        return messages;
    }

    private static OllamaWire.ChatMessage message(Message message) {
        StringBuilder text = new StringBuilder();
        List<String> images = new ArrayList<>();
        List<OllamaWire.SentToolCall> calls = new ArrayList<>();
        Part.@Nullable ToolResult result = null;
        for (Part part : message.parts()) {
            switch (part) {
                case Part.Text p -> text.append(p.text());
                case Part.Image p -> images.add(p.base64());
                case Part.ToolCall p -> calls.add(call(p));
                case Part.ToolResult p -> {
                    text.append(p.text());
                    result = p;
                }
            }
        }
        return new OllamaWire.ChatMessage(
                role(message.role()),
                text.toString(),
                images,
                calls,
                result == null ? null : result.toolName(),
                result == null ? null : result.callId());
    }

    private static OllamaWire.SentToolCall call(Part.ToolCall call) {
        return new OllamaWire.SentToolCall(
                call.id(),
                new OllamaWire.SentFunction(
                        call.function(), object(call.arguments(), "arguments of the tool call '" + call.id() + "'")));
    }

    private static JsonNode object(String json, String name) {
        JsonNode node = OllamaJson.read(json.getBytes(StandardCharsets.UTF_8), JsonNode.class);
        if (node == null || !node.isObject()) {
            throw new LlmException(new InvalidRequest(null, name + ": not understood (expected: a JSON object)"));
        }
        return node;
    }

    private static String role(Role role) {
        return switch (role) {
            case SYSTEM -> "system";
            case USER -> "user";
            case ASSISTANT -> "assistant";
            case TOOL -> "tool";
        };
    }

    private static String keepAlive(OllamaSettings settings) {
        return settings.keepAlive().toSeconds() + "s";
    }

    private static OllamaWire.Options options(GenerationOptions options, OllamaSettings settings) {
        return new OllamaWire.Options(
                settings.contextTokens(),
                options.maxTokens(),
                options.temperature(),
                options.topP(),
                options.topK(),
                options.minP(),
                options.repeatPenalty(),
                options.stop(),
                options.seed(),
                options.frequencyPenalty(),
                options.presencePenalty());
    }
}
