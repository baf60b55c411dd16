package dev.localllm.core.chat;

import dev.localllm.core.prompt.PromptReference;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A chat to answer, and how. The model is not part of it.
 *
 * @param tools functions that the model may call, possibly none
 * @param parallelToolCalls false if the answer has at most one tool call
 * @param prompt its text comes before all messages, as the system message or joined to it; null for the configured system prompt
 */
public record ChatRequest(
        List<Message> messages,
        GenerationOptions options,
        List<ToolDefinition> tools,
        ToolChoice toolChoice,
        boolean parallelToolCalls,
        ResponseFormat format,
        Thinking thinking,
        @Nullable PromptReference prompt)
        implements GenerationRequest {

    public ChatRequest {
        messages = List.copyOf(messages);
        tools = List.copyOf(tools);
        if (messages.isEmpty()) {
            throw new IllegalArgumentException("messages: [] (expected: one or more)");
        }
    }

    /** A request without a prompt of the catalogue. */
    public ChatRequest(
            List<Message> messages,
            GenerationOptions options,
            List<ToolDefinition> tools,
            ToolChoice toolChoice,
            boolean parallelToolCalls,
            ResponseFormat format,
            Thinking thinking) {
        this(messages, options, tools, toolChoice, parallelToolCalls, format, thinking, null);
    }

    /** A request without tools, for text, with the model's default of thinking. */
    public ChatRequest(List<Message> messages, GenerationOptions options) {
        this(
                messages,
                options,
                List.of(),
                new ToolChoice.Auto(),
                true,
                new ResponseFormat.Text(),
                Thinking.MODEL_DEFAULT);
    }

    /** A copy with other options and thinking. */
    ChatRequest with(GenerationOptions options, Thinking thinking) {
        return new ChatRequest(messages, options, tools, toolChoice, parallelToolCalls, format, thinking, prompt);
    }

    /**
     * A copy with this text before all messages, and without its reference to a prompt. The text is joined to a system
     * message that comes first: the templates of many models allow no second one.
     */
    ChatRequest withSystemPrompt(String text) {
        List<Message> prompted = new ArrayList<>(messages);
        List<Part> parts = new ArrayList<>();
        parts.add(new Part.Text(text));
        if (messages.getFirst().role() == Role.SYSTEM) {
            parts.addAll(prompted.removeFirst().parts());
        }
        prompted.addFirst(new Message(Role.SYSTEM, parts));
        return new ChatRequest(prompted, options, tools, toolChoice, parallelToolCalls, format, thinking);
    }

    boolean hasSystemMessage() {
        return messages.stream().anyMatch(message -> message.role() == Role.SYSTEM);
    }

    /**
     * Number of UTF-16 code units in all its text, including tool definitions and the format's schema. Images don't
     * count; the size of the request body limits them.
     */
    @Override
    public long characters() {
        long sum = characters(format);
        for (Message message : messages) {
            for (Part part : message.parts()) {
                sum += characters(part);
            }
        }
        for (ToolDefinition tool : tools) {
            sum += characters(tool);
        }
        return sum;
    }

    private static long characters(ToolDefinition tool) {
        return characters(tool.name(), tool.description() == null ? "" : tool.description(), tool.schema());
    }

    private static long characters(ResponseFormat format) {
        return switch (format) {
            case ResponseFormat.Text f -> 0;
            case ResponseFormat.Json f -> 0;
            case ResponseFormat.JsonSchema f -> f.schema().length();
        };
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
