package dev.localllm.core.catalog;

import java.util.Locale;

/**
 * Name of a model, as {@code qwen3:4b}. Keeps the spelling it was given; {@link #matches} tells whether two
 * spellings name one model.
 */
public record ModelId(String value) {

    private static final int MAX_LENGTH = 256;

    public ModelId {
        if (value.isBlank() || value.length() > MAX_LENGTH) {
            throw new IllegalArgumentException(
                    "model: '" + value + "' (expected: a name of 1 to " + MAX_LENGTH + " characters)");
        }
    }

    /** True if both name one model: case doesn't count, and no tag means {@code latest}. */
    public boolean matches(ModelId other) {
        return normalized(value).equals(normalized(other.value));
    }

    private static String normalized(String name) {
        String folded = name.toLowerCase(Locale.ROOT);
        return folded.indexOf(':', folded.lastIndexOf('/') + 1) < 0 ? folded + ":latest" : folded;
    }

    @Override
    public String toString() {
        return value;
    }
}
