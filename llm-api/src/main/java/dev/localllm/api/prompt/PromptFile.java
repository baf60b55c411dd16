package dev.localllm.api.prompt;

import dev.localllm.core.prompt.Prompt;
import dev.localllm.core.prompt.PromptTemplate;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * The text of a prompt file, which has front matter and a template:
 *
 * <pre>{@code
 * ---
 * id: translator
 * version: 2
 * ---
 * Translate into {{language}}.
 * }</pre>
 */
final class PromptFile {

    private static final String FENCE = "---\n";
    private static final int MAX_SHOWN = 20;
    private static final List<String> KEYS = List.of("id", "version");

    private PromptFile() {}

    /** @throws IllegalArgumentException with the fault of the file */
    static Prompt parse(String text) {
        String lines = text.replace("\r\n", "\n") + "\n"; // the second fence may be the last line
        int end = lines.indexOf("\n" + FENCE, FENCE.length() - 1);
        if (!lines.startsWith(FENCE) || end < 0) {
            throw new IllegalArgumentException("no front matter (expected: id and version between two lines ---)");
        }
        Map<String, String> front = front(lines.substring(FENCE.length(), Math.max(FENCE.length(), end)));
        return new Prompt(
                required(front, "id"),
                version(required(front, "version")),
                new PromptTemplate(lines.substring(end + 1 + FENCE.length()).strip()));
    }

    private static Map<String, String> front(String lines) {
        Map<String, String> front = new HashMap<>();
        for (String line : lines.lines().toList()) {
            int colon = line.indexOf(':');
            String key = colon < 0 ? line : line.substring(0, colon).strip();
            if (colon < 0 || !KEYS.contains(key)) {
                throw new IllegalArgumentException("'" + shown(line) + "' (expected: id: … and version: …)");
            }
            if (front.put(key, line.substring(colon + 1).strip()) != null) {
                throw new IllegalArgumentException(key + ": duplicate");
            }
        }
        return front;
    }

    private static String required(Map<String, String> front, String key) {
        String value = front.get(key);
        if (value == null) {
            throw new IllegalArgumentException(key + ": missing");
        }
        return value;
    }

    private static int version(String text) {
        if (!text.matches("[1-9][0-9]{0,8}")) {
            throw new IllegalArgumentException("version: '" + shown(text) + "' (expected: a whole number, 1 or more)");
        }
        return Integer.parseInt(text);
    }

    /** The beginning: after a missing fence, the text of the prompt follows. */
    private static String shown(String text) {
        return text.length() <= MAX_SHOWN ? text : text.substring(0, MAX_SHOWN) + "…";
    }
}
