package dev.localllm.api.openai.chat;

import dev.localllm.api.json.Fields;
import dev.localllm.api.openai.ImageUrl;
import dev.localllm.core.chat.Message;
import dev.localllm.core.chat.Part;
import dev.localllm.core.chat.Role;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/** Reads the messages of a request, in their order: a tool's result needs the call before it. One per request. */
final class MessageReader {

    private static final String ROLES = "system, developer, user, assistant or tool";

    /** Names of the called functions, by the ids of the calls so far. */
    private final Map<String, String> functions = new HashMap<>();

    private MessageReader() {}

    static List<Message> messages(Fields fields) {
        MessageReader reader = new MessageReader();
        List<Message> messages = new ArrayList<>();
        for (Fields message : fields.objects("messages")) {
            messages.add(reader.message(message));
            message.end(CompletionFields.MESSAGE);
        }
        if (messages.isEmpty()) {
            throw fields.isAbsent("messages")
                    ? fields.missing("messages", "one or more messages")
                    : fields.wrong("messages", "one or more messages");
        }
        return messages;
    }

    private Message message(Fields message) {
        return switch (message.string("role")) {
            case "system", "developer" -> new Message(Role.SYSTEM, content(message, Role.SYSTEM));
            case "user" -> new Message(Role.USER, content(message, Role.USER));
            case "assistant" -> new Message(Role.ASSISTANT, answer(message));
            case "tool" -> new Message(Role.TOOL, List.of(result(message)));
            case "function" -> throw message.wrong("role", ROLES + "; function is deprecated");
            case null -> throw message.missing("role", ROLES);
            default -> throw message.wrong("role", ROLES);
        };
    }

    private List<Part> answer(Fields message) {
        List<Part> parts = new ArrayList<>();
        String refusal = message.string("refusal");
        List<Fields> calls = message.objects("tool_calls");
        if (!message.isAbsent("content") || (calls.isEmpty() && refusal == null)) {
            parts.addAll(content(message, Role.ASSISTANT));
        }
        if (refusal != null) {
            parts.add(new Part.Text(refusal));
        }
        for (Fields call : calls) {
            Part.ToolCall read = ToolReader.call(call);
            functions.put(read.id(), read.function());
            parts.add(read);
        }
        return parts;
    }

    private Part.ToolResult result(Fields message) {
        String id = message.string("tool_call_id");
        if (id == null) {
            throw message.missing("tool_call_id", "the id of a tool call");
        }
        String function = functions.get(id);
        if (function == null) {
            throw message.wrong("tool_call_id", "the id of a tool call in an earlier message");
        }
        message.isAbsent("name"); // LangChain repeats the name of the function
        String text = content(message, Role.TOOL).stream()
                .map(part -> ((Part.Text) part).text())
                .collect(Collectors.joining("\n"));
        return new Part.ToolResult(id, function, text);
    }

    private static List<Part> content(Fields message, Role role) {
        if (message.isAbsent("content")) {
            throw message.missing("content", "a string or an array of parts");
        }
        if (message.isString("content")) {
            String text = message.string("content");
            return text == null ? List.of() : List.of(new Part.Text(text));
        }
        List<Part> parts = new ArrayList<>();
        for (Fields part : message.objects("content")) {
            parts.add(part(part, role));
            part.end(CompletionFields.PART);
        }
        return parts;
    }

    private static Part part(Fields part, Role role) {
        String type = part.string("type");
        if ("text".equals(type)) {
            return new Part.Text(text(part, "text"));
        }
        if ("refusal".equals(type) && role == Role.ASSISTANT) {
            return new Part.Text(text(part, "refusal"));
        }
        if ("image_url".equals(type) && role == Role.USER) {
            return image(part);
        }
        String expected = switch (role) {
            case USER -> "text or image_url";
            case ASSISTANT -> "text or refusal";
            case SYSTEM, TOOL -> "text";
        };
        throw type == null ? part.missing("type", expected) : part.wrong("type", expected);
    }

    private static String text(Fields part, String name) {
        String text = part.string(name);
        if (text == null) {
            throw part.missing(name, "a string");
        }
        return text;
    }

    private static Part.Image image(Fields part) {
        Fields image = part.object("image_url");
        if (image == null) {
            throw part.missing("image_url", "an object with a url");
        }
        Part.Image read = ImageUrl.read(image, "url");
        image.end(CompletionFields.IMAGE);
        return read;
    }
}
