package dev.localllm.ollama.simulator;

import java.util.ArrayList;
import java.util.List;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.MissingNode;

/**
 * A message of a request.
 *
 * @param imageSizes in bytes
 * @param toolCalls as they were sent; missing if there are none
 * @param toolName the tool whose result this is, or empty
 * @param toolCallId the call whose result this is, or empty
 */
record Message(
        String role, String text, List<Integer> imageSizes, JsonNode toolCalls, String toolName, String toolCallId) {

    /** The messages of a chat request. */
    static List<Message> chat(JsonNode request) {
        GoJson.typed(request.path("messages"), "ChatRequest.messages", JsonNode::isArray, "[]api.Message");
        List<Message> messages = new ArrayList<>();
        for (JsonNode message : request.path("messages")) {
            GoJson.typed(message.path("content"), "ChatRequest.messages.content", JsonNode::isString, "string");
            JsonNode calls = message.path("tool_calls");
            GoJson.typed(calls, "ChatRequest.messages.tool_calls", JsonNode::isArray, "[]api.ToolCall");
            calls.forEach(Message::checkArguments);
            messages.add(new Message(
                    message.path("role").asString(""),
                    message.path("content").asString(""),
                    Images.sizes(message.path("images"), "ChatRequest.messages.images"),
                    calls,
                    message.path("tool_name").asString(""),
                    message.path("tool_call_id").asString("")));
        }
        return messages;
    }

    /** The prompt of a generate request as a user's message; none for an empty prompt. */
    static List<Message> generate(JsonNode request) {
        List<Integer> images = Images.sizes(request.path("images"), "GenerateRequest.images");
        String prompt = request.path("prompt").asString("");
        return prompt.isEmpty()
                ? List.of()
                : List.of(new Message("user", prompt, images, MissingNode.getInstance(), "", ""));
    }

    boolean isFrom(String other) {
        return role.equals(other);
    }

    /** OpenAI's form, arguments in a string, gets an odd error text. */
    private static void checkArguments(JsonNode call) {
        JsonNode arguments = call.path("function").path("arguments");
        if (!arguments.isMissingNode() && !arguments.isObject()) {
            throw new Refusal(400, "Value looks like object, but can't find closing '}' symbol");
        }
    }
}
