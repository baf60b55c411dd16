package dev.localllm.api.openai.chat;

import dev.localllm.api.openai.chat.RandomObject.Raw;
import dev.localllm.core.chat.Message;
import dev.localllm.core.chat.Part;
import dev.localllm.core.chat.Role;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;

/** Random valid messages, with what the reader must make of them. One per body. */
final class RandomMessages {

    private static final List<String> TEXTS =
            List.of("", "Hi", "안녕 🙂", "\"\\/\b\f\n\r\t\u0000\u007f\u2028", "{\"a\":1}", "\ud800", "x".repeat(100));
    private static final List<String> ARGUMENTS =
            List.of("{}", "{\"x\":1}", " {\"a\" : [1.50, {}]}\n", "{\"\\u00e9\":null}");
    private static final List<String> IMAGE_STARTS = List.of(
            "89504e470d0a1a0a00000000",
            "ffd8ffe000104a4649460001",
            "474946383961010001008000",
            "524946460102030457454250");
    private static final String[] NO_TEXT = {"5", "true", "{}", "99999999999999999999"};
    private static final String[] NO_STRING = {"5", "true", "[]", "{}", "99999999999999999999"};

    private final RandomObject body;
    private final Random random;
    private final List<Message> expected = new ArrayList<>();
    private final Map<String, String> functions = new LinkedHashMap<>();

    RandomMessages(RandomObject body, Random random) {
        this.body = body;
        this.random = random;
    }

    /** Adds the messages to the body. Returns what the reader must make of them. */
    List<Message> add() {
        List<RandomObject> messages = new ArrayList<>();
        for (int i = 1 + random.nextInt(5); i > 0; i--) {
            RandomObject message = body.child("messages[" + messages.size() + "]");
            message(message);
            message.ignored("reasoning_content", "reasoning").absent("audio").absent("function_call");
            message.wrongJson("audio", "{}", "5").wrongJson("function_call", "{}", "\"auto\"", "[]");
            messages.add(message);
        }
        body.required("messages", messages).objects("messages", messages).wrong("messages", List.of());
        return expected;
    }

    private void message(RandomObject message) {
        switch (random.nextInt(functions.isEmpty() ? 5 : 7)) {
            case 0 -> system(message);
            case 1, 2 -> user(message);
            case 3, 4 -> assistant(message);
            default -> tool(message);
        }
        message.wrong("role", "", "function", "User", "other").wrongJson("role", NO_STRING);
    }

    private void system(RandomObject message) {
        message.required("role", random.nextBoolean() ? "system" : "developer");
        expected.add(new Message(Role.SYSTEM, requiredContent(message, Role.SYSTEM)));
        message.ignored("name").unknown("tool_calls", "refusal", "tool_call_id");
    }

    private void user(RandomObject message) {
        message.required("role", "user");
        expected.add(new Message(Role.USER, requiredContent(message, Role.USER)));
        message.ignored("name").unknown("tool_calls", "refusal", "tool_call_id");
    }

    private void tool(RandomObject message) {
        List<String> ids = List.copyOf(functions.keySet());
        String id = ids.get(random.nextInt(ids.size()));
        message.required("role", "tool").required("tool_call_id", id);
        message.wrong("tool_call_id", "", "never called").wrongJson("tool_call_id", NO_STRING);
        List<String> texts = new ArrayList<>();
        for (Part part : requiredContent(message, Role.TOOL)) {
            texts.add(((Part.Text) part).text());
        }
        String function = functions.getOrDefault(id, "");
        expected.add(new Message(Role.TOOL, List.of(new Part.ToolResult(id, function, String.join("\n", texts)))));
        if (random.nextBoolean()) {
            message.optional("name", function);
        }
        message.unknown("tool_calls", "refusal");
    }

    private void assistant(RandomObject message) {
        message.required("role", "assistant");
        List<Part> calls = calls(message);
        List<Part> refusal = List.of();
        message.wrongJson("refusal", NO_STRING);
        if (random.nextInt(4) == 0) {
            String text = text();
            refusal = List.of(new Part.Text(text));
            message.optional("refusal", text);
        } else {
            message.absent("refusal");
        }
        List<Part> parts = new ArrayList<>();
        boolean needsContent = calls.isEmpty() && refusal.isEmpty();
        if (needsContent) {
            parts.addAll(requiredContent(message, Role.ASSISTANT));
        } else if (random.nextBoolean()) {
            parts.addAll(content(message, Role.ASSISTANT));
        } else {
            message.absent("content").wrongJson("content", NO_TEXT);
        }
        parts.addAll(refusal);
        parts.addAll(calls);
        expected.add(new Message(Role.ASSISTANT, parts));
        message.ignored("annotations", "parsed").unknown("tool_call_id");
    }

    private List<Part> calls(RandomObject message) {
        List<Part> read = new ArrayList<>();
        List<RandomObject> calls = new ArrayList<>();
        message.wrongJson("tool_calls", NO_TEXT);
        if (random.nextInt(3) == 0) {
            message.absent("tool_calls");
            return read;
        }
        for (int i = random.nextInt(3); i > 0; i--) {
            RandomObject call = message.child("tool_calls[" + calls.size() + "]");
            calls.add(call);
            read.add(call(call));
        }
        message.objects("tool_calls", calls);
        return read;
    }

    private Part call(RandomObject call) {
        String id = random.nextInt(3) == 0 ? "call_1" : "call_" + random.nextInt(1000) + "이";
        String name = random.nextBoolean() ? "f" : "a function: 안녕";
        boolean blank = random.nextInt(8) == 0;
        String arguments = blank ? " " : ARGUMENTS.get(random.nextInt(ARGUMENTS.size()));
        functions.put(id, name);
        RandomObject function = call.child("function").required("name", name).required("arguments", arguments);
        function.wrong("name", "")
                .wrongJson("name", NO_STRING)
                .ignored("parsed_arguments")
                .unknown("strict");
        function.wrong("arguments", "[]", "5", "no", "{", "{}{}", "{\"a\":1,\"a\":2}")
                .wrongJson("arguments", NO_STRING);
        call.required("id", id).required("type", "function").required("function", function);
        call.wrong("id", "").wrongJson("id", NO_STRING).wrong("type", "custom").wrongJson("type", NO_STRING);
        call.wrongJson("function", "[]", "5", "\"x\"").unknown("name");
        if (random.nextBoolean()) {
            call.optional("index", new Raw("0"));
        }
        call.wrongJson("index", "\"0\"", "{}");
        return new Part.ToolCall(id, name, blank ? "{}" : arguments);
    }

    private List<Part> requiredContent(RandomObject message, Role role) {
        message.required("content", RandomObject.NULL);
        return content(message, role);
    }

    private List<Part> content(RandomObject message, Role role) {
        message.wrongJson("content", NO_TEXT);
        if (random.nextBoolean()) {
            String text = text();
            message.optional("content", text);
            return List.of(new Part.Text(text));
        }
        List<Part> read = new ArrayList<>();
        List<RandomObject> parts = new ArrayList<>();
        for (int i = random.nextInt(4); i > 0; i--) {
            RandomObject part = message.child("content[" + parts.size() + "]");
            parts.add(part);
            read.add(part(part, role));
        }
        message.optional("content", parts).objects("content", parts);
        return read;
    }

    private Part part(RandomObject part, Role role) {
        part.wrong("type", "", "input_audio", "file", role == Role.ASSISTANT ? "image_url" : "refusal");
        part.wrongJson("type", NO_STRING);
        if (role == Role.USER && random.nextBoolean()) {
            return image(part);
        }
        boolean refusal = role == Role.ASSISTANT && random.nextBoolean();
        String name = refusal ? "refusal" : "text";
        String text = text();
        part.required("type", name).required(name, text).wrongJson(name, NO_STRING);
        part.unknown("image_url", refusal ? "text" : "refusal", "cache_control");
        return new Part.Text(text);
    }

    private Part image(RandomObject part) {
        RandomObject image = part.child("image_url");
        String base64 = base64();
        String head = random.nextBoolean() ? "data:image/png;base64," : "DATA:image/svg+xml;Base64,";
        image.required("url", head + base64)
                .wrongJson("url", NO_STRING)
                .ignored("detail")
                .unknown("text");
        image.wrong("url", "", "http://127.0.0.1:1/a.png", "file:///etc/passwd", "data:image/png," + base64);
        image.wrong("url", head + base64 + "A", head + base64.replace('/', '-') + "-AAA", head + "AAAA" + base64, head);
        part.required("type", "image_url").required("image_url", image);
        part.wrongJson("image_url", "\"" + head + base64 + "\"", "[]", "5").unknown("text", "detail");
        return new Part.Image(base64);
    }

    private String base64() {
        byte[] start = HexFormat.of().parseHex(IMAGE_STARTS.get(random.nextInt(IMAGE_STARTS.size())));
        byte[] bytes = new byte[start.length + random.nextInt(200)];
        random.nextBytes(bytes);
        System.arraycopy(start, 0, bytes, 0, start.length);
        return Base64.getEncoder().encodeToString(bytes);
    }

    private String text() {
        return TEXTS.get(random.nextInt(TEXTS.size()));
    }
}
