package dev.localllm.core.catalog;

import java.util.Locale;
import java.util.regex.Pattern;

/**
 * Name of a model, as {@code qwen3:4b}. Keeps the spelling it was given; {@link #matches} tells whether two
 * spellings name one model.
 */
public record ModelId(String value) {

    private static final Pattern NAME = Pattern.compile("[A-Za-z0-9_.:/@-]{1,256}");

    public ModelId {
        if (!isName(value)) {
            throw new IllegalArgumentException("model: '" + value + "' (expected: " + NAME + ")");
        }
    }

    /** True if a model may be called so: nothing that would need escaping anywhere. */
    public static boolean isName(String text) {
        return NAME.matcher(text).matches();
    }

    /** True if both name one model: case doesn't count, and no tag means {@code latest}. */
    public boolean matches(ModelId other) {
        return normalized().equals(other.normalized());
    }

    /** The one spelling of all that name the same model: in lower case and with a tag. */
    public String normalized() {
        String folded = value.toLowerCase(Locale.ROOT);
        return folded.indexOf(':', folded.lastIndexOf('/') + 1) < 0 ? folded + ":latest" : folded;
    }

    @Override
    public String toString() {
        return value;
    }
}
