package dev.localllm.api;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;

/** Almost valid bodies of POST /v1/chat/completions: with a few odd fields, values or bytes. */
final class FuzzedBodies {

    private static final List<String> ODD_VALUES = List.of(
            "null",
            "true",
            "false",
            "0",
            "-1",
            "1.5",
            "1e400",
            "-0.0",
            "99999999999999999999",
            "NaN",
            "\"\"",
            "\"x\"",
            "[]",
            "{}",
            "[[]]",
            "[null]",
            "{\"a\":1}",
            "\"\\ud800\"",
            "\"\\u0000\"",
            "\"안녕 🙂\"",
            "'x'",
            "01",
            "+1",
            ".5");
    private static final List<String> CHOICES = List.of(
            "\"auto\"",
            "\"none\"",
            "\"required\"",
            "{\"type\":\"function\",\"function\":{\"name\":\"f\"}}",
            "{\"type\":\"function\",\"function\":{\"name\":\"none\"}}");
    private static final List<String> EFFORTS =
            List.of("\"none\"", "\"minimal\"", "\"low\"", "\"medium\"", "\"high\"", "\"xhigh\"");
    private static final List<String> IMAGE_ENDS = List.of("=", "=", "=", "", "==", "A/A=", "A".repeat(20_001));
    private static final List<String> NAMES = List.of(
            "model",
            "messages",
            "stream",
            "temperature",
            "top_p",
            "max_tokens",
            "max_completion_tokens",
            "stop",
            "seed",
            "frequency_penalty",
            "presence_penalty",
            "stream_options",
            "tools",
            "tool_choice",
            "response_format",
            "n",
            "logit_bias",
            "logprobs",
            "user",
            "metadata",
            "store",
            "functions",
            "modalities",
            "parallel_tool_calls",
            "reasoning_effort",
            "chat_template_kwargs",
            "top_logprobs",
            "top_k",
            "min_p",
            "repeat_penalty",
            "num_ctx",
            "keep_alive",
            "function_call",
            "audio",
            "prediction",
            "unheard_of",
            "");

    private FuzzedBodies() {}

    static byte[] any(Random random) {
        List<String> fields = new ArrayList<>();
        fields.add("\"messages\":" + messages(random));
        fields.add("\"max_tokens\":" + (1 + random.nextInt(2) * 2000));
        for (int i = random.nextInt(3); i > 0; i--) {
            fields.add(feature(random));
        }
        for (int i = random.nextInt(3) - 1; i > 0; i--) {
            fields.add(field(random));
        }
        String json = "{" + String.join(",", fields) + "}";
        byte[] bytes = json.getBytes(StandardCharsets.UTF_8);
        return random.nextInt(6) == 0 ? damaged(bytes, random) : bytes;
    }

    private static String messages(Random random) {
        return switch (random.nextInt(20)) {
            case 0 -> oddValue(random);
            case 1 -> "[" + oddValue(random) + "]";
            case 2 -> "[{\"role\":" + oddValue(random) + ",\"content\":\"Hi\"}]";
            case 3 -> "[{\"role\":\"user\",\"content\":" + oddValue(random) + "}]";
            case 4 -> "[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":" + oddValue(random) + "}]}]";
            case 5 -> "[" + user("\"Use f\"", random) + "," + answerWithCalls(random) + "," + result(random) + "]";
            case 6 -> "[" + user(image(random), random) + "]";
            case 7 -> "[" + user("\"Use f and g with city=Paris\"", random) + "]";
            default -> "[" + user("\"Hi " + random.nextInt() + "\"", random) + "]";
        };
    }

    private static String field(Random random) {
        String name = NAMES.get(random.nextInt(NAMES.size()));
        String value = switch (random.nextInt(4)) {
            case 0 -> "\"" + name + "\"";
            case 1 -> Integer.toString(random.nextInt(5));
            default -> oddValue(random);
        };
        return "\"" + name + "\":" + value;
    }

    /** A field that is valid in most cases. Objects with several values have odd ones in some. */
    private static String feature(Random random) {
        return switch (random.nextInt(16)) {
            case 0, 1, 2 ->
                "\"tools\":[" + tool("f", random) + (random.nextBoolean() ? "," + tool("g", random) : "") + "]";
            case 3, 4 -> "\"tools\":[" + tool("f", random) + "],\"tool_choice\":" + oneOf(random, CHOICES);
            case 5, 6, 7, 8 -> "\"response_format\":" + format(random);
            case 9 -> "\"logprobs\":" + odd("true", random) + ",\"top_logprobs\":" + odd("20", random);
            case 10 -> "\"chat_template_kwargs\":{\"enable_thinking\":" + odd("true", random) + "}";
            case 11 -> "\"reasoning_effort\":" + oneOf(random, EFFORTS) + ",\"model\":\"simulator-thinking\"";
            case 12 -> "\"model\":" + odd("\"simulator-2\"", random);
            case 13 -> "\"keep_alive\":" + odd("\"5m\"", random) + ",\"num_ctx\":" + odd("8192", random);
            default -> "\"stream\":true,\"stream_options\":{\"include_usage\":" + odd("true", random) + "}";
        };
    }

    private static String tool(String name, Random random) {
        String parameters = odd(FuzzedSchemas.any(random), random);
        String function = "{\"name\":" + odd("\"" + name + "\"", random) + ",\"strict\":" + random.nextBoolean()
                + ",\"parameters\":" + parameters + "}";
        return "{\"type\":" + odd("\"function\"", random) + ",\"function\":" + odd(function, random) + "}";
    }

    private static String format(Random random) {
        if (random.nextInt(6) == 0) {
            return "{\"type\":\"json_object\"}";
        }
        String schema = odd(FuzzedSchemas.any(random), random);
        String named = "{\"name\":\"n\",\"strict\":" + random.nextBoolean() + ",\"schema\":" + schema + "}";
        return "{\"type\":" + odd("\"json_schema\"", random) + ",\"json_schema\":" + odd(named, random) + "}";
    }

    private static String user(String content, Random random) {
        return "{\"role\":\"user\",\"content\":" + odd(content, random) + "}";
    }

    private static String answerWithCalls(Random random) {
        String function = "{\"name\":" + odd("\"f\"", random) + ",\"arguments\":" + odd("\"{}\"", random) + "}";
        return "{\"role\":\"assistant\",\"content\":" + odd("null", random) + ",\"tool_calls\":[{\"id\":"
                + odd("\"1\"", random) + ",\"type\":\"function\",\"function\":" + odd(function, random) + "}]}";
    }

    private static String result(Random random) {
        return "{\"role\":\"tool\",\"tool_call_id\":" + odd("\"1\"", random) + ",\"content\":" + odd("\"18\"", random)
                + "}";
    }

    private static String image(Random random) {
        String url = "\"data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAE" + oneOf(random, IMAGE_ENDS) + "\"";
        return "[{\"type\":\"text\",\"text\":\"what\"},{\"type\":\"image_url\",\"image_url\":{\"url\":"
                + odd(url, random) + "}}]";
    }

    private static String oneOf(Random random, List<String> values) {
        return odd(values.get(random.nextInt(values.size())), random);
    }

    private static String odd(String usual, Random random) {
        return random.nextInt(60) == 0 ? oddValue(random) : usual;
    }

    private static String oddValue(Random random) {
        return switch (random.nextInt(40)) {
            case 0 -> "[".repeat(1 + random.nextInt(3000));
            case 1 -> "[".repeat(500) + "]".repeat(500);
            case 2 -> "{\"a\":".repeat(1 + random.nextInt(2000)) + "1" + "}".repeat(random.nextInt(2000));
            case 3 -> "\"" + "x".repeat(random.nextInt(500_000)) + "\"";
            case 4 -> "9".repeat(1 + random.nextInt(5000));
            default -> ODD_VALUES.get(random.nextInt(ODD_VALUES.size()));
        };
    }

    private static byte[] damaged(byte[] bytes, Random random) {
        int at = random.nextInt(bytes.length);
        byte[] damaged = bytes.clone();
        switch (random.nextInt(6)) {
            case 0 -> damaged[at] = (byte) random.nextInt(256);
            case 1 -> damaged[at] = (byte) 0xFF;
            case 2 -> damaged = Arrays.copyOf(damaged, at);
            case 3 -> damaged = joined(damaged, "{}".getBytes(StandardCharsets.UTF_8));
            case 4 -> damaged = joined(Arrays.copyOf(damaged, at), damaged);
            default -> damaged = joined(new byte[] {(byte) 0xEF, (byte) 0xBB, (byte) 0xBF}, damaged);
        }
        return damaged;
    }

    private static byte[] joined(byte[] first, byte[] second) {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        bytes.writeBytes(first);
        bytes.writeBytes(second);
        return bytes.toByteArray();
    }
}
