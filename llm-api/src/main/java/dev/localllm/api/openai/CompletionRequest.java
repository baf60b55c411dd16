package dev.localllm.api.openai;

import dev.localllm.api.json.Fields;
import dev.localllm.core.catalog.ModelId;
import dev.localllm.core.chat.ChatRequest;
import dev.localllm.core.chat.GenerationOptions;
import dev.localllm.core.chat.Message;
import dev.localllm.core.chat.Part;
import dev.localllm.core.chat.Role;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/**
 * The parsed and checked body of POST /v1/chat/completions.
 *
 * @param model as the caller named it; null for the default
 * @param includeUsage true if the stream sends its usage in its last chunk
 */
record CompletionRequest(@Nullable ModelId model, ChatRequest chat, boolean stream, boolean includeUsage) {

    private static final int MAX_STOP_TEXTS = 4;
    private static final String ROLES = "system, developer, user or assistant";

    /** Throws an {@link dev.localllm.core.failure.LlmException} that names the first invalid field. */
    static CompletionRequest parse(InputStream body) {
        Fields fields = Fields.parse(body);
        boolean stream = fields.bool("stream");
        CompletionRequest request = new CompletionRequest(
                model(fields),
                new ChatRequest(messages(fields), options(fields)),
                stream,
                includeUsage(fields, stream));
        ignoreNeutral(fields);
        fields.rejectUnknown();
        return request;
    }

    private static @Nullable ModelId model(Fields fields) {
        String name = fields.string("model");
        if (name == null) {
            return null;
        }
        if (!ModelId.isName(name)) {
            throw fields.wrong("model", "the name of a model, such as qwen3:4b");
        }
        return new ModelId(name);
    }

    private static List<Message> messages(Fields fields) {
        List<Message> messages = new ArrayList<>();
        for (Fields message : fields.objects("messages")) {
            messages.add(new Message(role(message), parts(message)));
            message.rejectUnknown();
        }
        if (messages.isEmpty()) {
            throw fields.isAbsent("messages")
                    ? fields.missing("messages", "one or more messages")
                    : fields.wrong("messages", "one or more messages");
        }
        return messages;
    }

    private static Role role(Fields message) {
        return switch (message.string("role")) {
            case "system", "developer" -> Role.SYSTEM;
            case "user" -> Role.USER;
            case "assistant" -> Role.ASSISTANT;
            case null -> throw message.missing("role", ROLES);
            default -> throw message.wrong("role", ROLES);
        };
    }

    private static List<Part> parts(Fields message) {
        message.allowOnly("refusal", node -> false);
        if (message.isAbsent("content")) {
            throw message.missing("content", "a string or an array of text parts");
        }
        if (message.isString("content")) {
            String text = message.string("content");
            return text == null ? List.of() : List.of(new Part.Text(text));
        }
        List<Part> parts = new ArrayList<>();
        for (Fields part : message.objects("content")) {
            parts.add(part(part));
            part.rejectUnknown();
        }
        return parts;
    }

    private static Part part(Fields part) {
        if (!"text".equals(part.string("type"))) {
            throw part.wrong("type", "text");
        }
        String text = part.string("text");
        if (text == null) {
            throw part.missing("text", "a string");
        }
        return new Part.Text(text);
    }

    private static GenerationOptions options(Fields fields) {
        return new GenerationOptions(
                fields.number("temperature", 0, 2),
                fields.number("top_p", 0, 1),
                null,
                null,
                null,
                fields.number("frequency_penalty", -2, 2),
                fields.number("presence_penalty", -2, 2),
                maxTokens(fields),
                fields.strings("stop", MAX_STOP_TEXTS),
                fields.integer("seed", Long.MIN_VALUE, Long.MAX_VALUE),
                null);
    }

    /** The newer field wins, as in OpenAI's API. */
    private static @Nullable Integer maxTokens(Fields fields) {
        Long older = fields.integer("max_tokens", 1, Integer.MAX_VALUE);
        Long newer = fields.integer("max_completion_tokens", 1, Integer.MAX_VALUE);
        Long limit = newer == null ? older : newer;
        return limit == null ? null : Math.toIntExact(limit);
    }

    private static boolean includeUsage(Fields fields, boolean stream) {
        Fields options = fields.object("stream_options");
        if (options == null) {
            return false;
        }
        if (!stream) {
            throw fields.wrong("stream_options", "absent, unless stream is true");
        }
        boolean include = options.bool("include_usage");
        options.allowOnly("include_obfuscation", node -> node.isBoolean() && !node.booleanValue());
        options.rejectUnknown();
        return include;
    }

    /** Accepts labels, and values that equal the default: many SDKs send them. */
    private static void ignoreNeutral(Fields fields) {
        fields.allowOnly("user", JsonNode::isString);
        fields.allowOnly("safety_identifier", JsonNode::isString);
        fields.allowOnly("metadata", JsonNode::isObject);
        fields.allowOnly("store", CompletionRequest::isFalse);
        fields.allowOnly("logprobs", CompletionRequest::isFalse);
        fields.allowOnly("n", node -> node.canConvertToInt() && node.isIntegralNumber() && node.intValue() == 1);
        fields.allowOnly("logit_bias", node -> node.isObject() && node.isEmpty());
        fields.allowOnly("tools", node -> node.isArray() && node.isEmpty());
        fields.allowOnly("functions", node -> node.isArray() && node.isEmpty());
        fields.allowOnly(
                "tool_choice", node -> node.isString() && node.stringValue().equals("none"));
        fields.allowOnly(
                "response_format", node -> node.path("type").asString("").equals("text"));
        fields.allowOnly(
                "modalities",
                node -> node.size() == 1 && node.path(0).asString("").equals("text"));
    }

    private static boolean isFalse(JsonNode node) {
        return node.isBoolean() && !node.booleanValue();
    }
}
