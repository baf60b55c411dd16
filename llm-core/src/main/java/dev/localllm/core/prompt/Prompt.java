package dev.localllm.core.prompt;

import java.util.regex.Pattern;

/**
 * One version of a prompt.
 *
 * @param id 1 to 64 lower-case letters, digits, {@code _} and {@code -}
 * @param version 1 or more
 */
public record Prompt(String id, int version, PromptTemplate template) {

    private static final Pattern ID = Pattern.compile("[a-z0-9][a-z0-9_-]{0,63}");

    public Prompt {
        if (!ID.matcher(id).matches()) {
            String shown = id.substring(0, Math.min(id.length(), 64));
            throw new IllegalArgumentException("id: '" + shown
                    + "' (expected: up to 64 lower-case letters, digits, _ and -, first a letter or digit)");
        }
        if (version < 1) {
            throw new IllegalArgumentException("version: " + version + " (expected: 1 or more)");
        }
    }
}
