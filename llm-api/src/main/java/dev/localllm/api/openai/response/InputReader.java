package dev.localllm.api.openai.response;

import dev.localllm.api.json.Fields;
import dev.localllm.api.openai.FunctionFields;
import dev.localllm.api.openai.ImageUrl;
import dev.localllm.core.chat.Message;
import dev.localllm.core.chat.Part;
import dev.localllm.core.chat.Role;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/**
 * Reads the input of a request, in the order of its items: the output of a call needs the call before it. Calls belong to
 * the message of the assistant before them. One per request.
 */
final class InputReader {

    private static final String TYPES = "message, function_call, function_call_output or reasoning";
    private static final String ROLES = "system, developer, user or assistant";

    /** Names of the called functions, by the ids of the calls so far. */
    private final Map<String, String> functions = new HashMap<>();

    private final List<Message> messages = new ArrayList<>();

    /** Parts of the assistant's message that is being read; empty if none is. */
    private final List<Part> answer = new ArrayList<>();

    private InputReader() {}

    /** One or more messages. */
    static List<Message> messages(Fields fields) {
        if (fields.isAbsent("input")) {
            throw fields.missing("input", "a string or an array of items");
        }
        String text = fields.isString("input") ? fields.string("input") : null;
        List<Message> messages = text == null ? new InputReader().items(fields) : List.of(new Message(Role.USER, text));
        if (messages.isEmpty()) {
            throw fields.wrong("input", "one or more messages");
        }
        return messages;
    }

    private List<Message> items(Fields fields) {
        for (Fields item : fields.objects("input")) {
            read(item);
        }
        endAnswer();
        return messages;
    }

    private void read(Fields item) {
        switch (item.string("type")) {
            case "message" -> addMessage(item);
            case "function_call" -> addCall(item);
            case "function_call_output" -> addOutput(item);
            case "reasoning" -> item.end(ResponseFields.REASONING_ITEM);
            case "item_reference" ->
                throw item.wrong("type", "the item itself, as nothing is stored; SDKs send it with store: false");
            case null -> {
                if (item.isAbsent("role")) {
                    throw item.missing("type", TYPES);
                }
                addMessage(item);
            }
            default -> throw item.wrong("type", TYPES);
        }
    }

    private void addMessage(Fields item) {
        Role role = switch (item.string("role")) {
            case "system", "developer" -> Role.SYSTEM;
            case "user" -> Role.USER;
            case "assistant" -> Role.ASSISTANT;
            case null -> throw item.missing("role", ROLES);
            default -> throw item.wrong("role", ROLES);
        };
        List<Part> parts = parts(item, "content", role);
        item.end(ResponseFields.MESSAGE);
        endAnswer();
        if (role == Role.ASSISTANT) {
            answer.addAll(parts.isEmpty() ? List.of(new Part.Text("")) : parts); // an empty answer is a turn, too
        } else {
            messages.add(new Message(role, parts));
        }
    }

    private void addCall(Fields item) {
        String id = callId(item);
        Part.ToolCall call = new Part.ToolCall(id, FunctionFields.calledName(item), FunctionFields.arguments(item));
        item.end(ResponseFields.CALL);
        functions.put(id, call.function());
        answer.add(call);
    }

    private void addOutput(Fields item) {
        String id = callId(item);
        String function = functions.get(id);
        if (function == null) {
            throw item.wrong("call_id", "the call_id of a function_call before it");
        }
        String text = parts(item, "output", Role.TOOL).stream()
                .map(part -> ((Part.Text) part).text())
                .collect(Collectors.joining("\n"));
        item.end(ResponseFields.CALL_OUTPUT);
        endAnswer();
        messages.add(new Message(Role.TOOL, List.of(new Part.ToolResult(id, function, text))));
    }

    private static String callId(Fields item) {
        String id = item.string("call_id");
        if (id == null || id.isEmpty()) {
            throw item.missing("call_id", "the call's id");
        }
        return id;
    }

    private void endAnswer() {
        if (!answer.isEmpty()) {
            messages.add(new Message(Role.ASSISTANT, answer));
            answer.clear();
        }
    }

    private static List<Part> parts(Fields item, String field, Role role) {
        if (item.isAbsent(field)) {
            throw item.missing(field, "a string or an array of parts");
        }
        String text = item.isString(field) ? item.string(field) : null;
        if (text != null) {
            return List.of(new Part.Text(text));
        }
        List<Part> parts = new ArrayList<>();
        for (Fields part : item.objects(field)) {
            parts.add(part(part, role));
            part.end(ResponseFields.PART);
        }
        return parts;
    }

    private static Part part(Fields part, Role role) {
        boolean ofAssistant = role == Role.ASSISTANT;
        String type = part.string("type");
        if ((ofAssistant ? "output_text" : "input_text").equals(type)) {
            return new Part.Text(text(part, "text"));
        }
        if ("refusal".equals(type) && ofAssistant) {
            return new Part.Text(text(part, "refusal"));
        }
        if ("input_image".equals(type) && role == Role.USER) {
            return image(part);
        }
        String expected = switch (role) {
            case USER -> "input_text or input_image";
            case ASSISTANT -> "output_text or refusal";
            case SYSTEM, TOOL -> "input_text";
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
        if (!part.isAbsent("file_id")) {
            throw part.wrong("file_id", "absent, as nothing is stored; send image_url");
        }
        return ImageUrl.read(part, "image_url");
    }
}
