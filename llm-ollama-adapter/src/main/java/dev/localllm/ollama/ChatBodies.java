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
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.BooleanNode;
import tools.jackson.databind.node.ObjectNode;
import tools.jackson.databind.node.StringNode;

/**
 * Builds the body of POST /api/chat. Throws an {@link LlmException} if Ollama can't serve the request. An Ollama
 * message has one text, here that of all parts with line breaks between them, and a list of images; the order of text and
 * images is lost.
 */
final class ChatBodies {

    private ChatBodies() {}

    /** @param forced the tool to call; null if the model decides */
    static OllamaWire.ChatBody of(
            ModelId model, ChatRequest request, @Nullable ForcedTool forced, OllamaSettings settings) {
        return forced == null ? chat(model, request, settings) : forcedCall(model, request, forced, settings);
    }

    private static OllamaWire.ChatBody chat(ModelId model, ChatRequest request, OllamaSettings settings) {
        Integer topLogprobs = request.options().topLogprobs();
        return new OllamaWire.ChatBody(
                model.value(),
                messages(request),
                true,
                false,
                false,
                keepAlive(settings),
                options(request.options(), request.options().stop(), settings),
                request.toolChoice() instanceof ToolChoice.None ? List.of() : tools(request),
                format(request.format()),
                think(request.thinking()),
                topLogprobs == null ? null : true,
                topLogprobs == null || topLogprobs == 0 ? null : topLogprobs);
    }

    /** Stop sequences and log probabilities concern an answer's text, which a call has not. */
    private static OllamaWire.ChatBody forcedCall(
            ModelId model, ChatRequest request, ForcedTool forced, OllamaSettings settings) {
        return new OllamaWire.ChatBody(
                model.value(),
                instructed(messages(request), forced.instruction()),
                true,
                false,
                false,
                keepAlive(settings),
                options(request.options(), List.of(), settings),
                List.of(),
                forced.format(),
                think(request.thinking()),
                null,
                null);
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
                options(GenerationOptions.DEFAULTS, List.of(), settings),
                List.of(),
                null,
                null,
                null,
                null);
    }

    private static List<OllamaWire.Tool> tools(ChatRequest request) {
        return request.tools().stream().map(ChatBodies::tool).toList();
    }

    private static OllamaWire.Tool tool(ToolDefinition tool) {
        return new OllamaWire.Tool(
                "function", new OllamaWire.DefinedFunction(tool.name(), tool.description(), schema(tool)));
    }

    /**
     * The schema of the tool's parameters; a new node.
     *
     * @throws LlmException if it is not a JSON object
     */
    static ObjectNode schema(ToolDefinition tool) {
        return object(tool.schema(), "schema of the tool '" + tool.name() + "'");
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

    /**
     * With the instruction in the first message: the templates of many models allow no system message elsewhere, and no
     * second one.
     */
    private static List<OllamaWire.ChatMessage> instructed(List<OllamaWire.ChatMessage> messages, String instruction) {
        OllamaWire.ChatMessage first = messages.getFirst();
        boolean system = first.role().equals(role(Role.SYSTEM));
        String text = system && !first.content().isEmpty() ? first.content() + "\n\n" + instruction : instruction;
        List<OllamaWire.ChatMessage> instructed = new ArrayList<>();
        instructed.add(message(new Message(Role.SYSTEM, text)));
        instructed.addAll(system ? messages.subList(1, messages.size()) : messages);
        return instructed;
    }

    private static OllamaWire.ChatMessage message(Message message) {
        StringBuilder text = new StringBuilder();
        List<String> images = new ArrayList<>();
        List<OllamaWire.SentToolCall> calls = new ArrayList<>();
        Part.@Nullable ToolResult result = null;
        for (Part part : message.parts()) {
            switch (part) {
                case Part.Text p -> text.append(text.isEmpty() ? "" : "\n").append(p.text());
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

    private static ObjectNode object(String json, String name) {
        if (OllamaJson.read(json) instanceof ObjectNode object) {
            return object;
        }
        throw new LlmException(new InvalidRequest(null, name + ": not understood (expected: a JSON object)"));
    }

    private static String role(Role role) {
        return switch (role) {
            case SYSTEM -> "system";
            case USER -> "user";
            case ASSISTANT -> "assistant";
            case TOOL -> "tool";
        };
    }

    /** The {@code keep_alive} of every request. */
    static String keepAlive(OllamaSettings settings) {
        return settings.keepAlive().toSeconds() + "s";
    }

    static OllamaWire.Options options(GenerationOptions options, List<String> stop, OllamaSettings settings) {
        return new OllamaWire.Options(
                settings.contextTokens(),
                options.maxTokens(),
                options.temperature(),
                options.topP(),
                options.topK(),
                options.minP(),
                options.repeatPenalty(),
                stop,
                options.seed(),
                options.frequencyPenalty(),
                options.presencePenalty());
    }
}
