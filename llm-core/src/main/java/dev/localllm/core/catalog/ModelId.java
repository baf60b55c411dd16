package dev.localllm.core.catalog;

import java.util.Locale;
import java.util.regex.Pattern;

/** Name of a model, such as {@code qwen3:4b}. Keeps its spelling; {@link #matches} compares spellings. */
public record ModelId(String value) {

    private static final Pattern NAME = Pattern.compile("[A-Za-z0-9_.:/@-]{1,256}");

    public ModelId {
        if (!isName(value)) {
            throw new IllegalArgumentException("model: '" + value + "' (expected: " + NAME + ")");
        }
    }

    /** True if the text is a valid name. A valid name needs no escaping in JSON, URLs and logs. */
    public static boolean isName(String text) {
        return NAME.matcher(text).matches();
    }

    /** True if both name the same model. Case is ignored, and a missing tag means {@code latest}. */
    public boolean matches(ModelId other) {
        return normalized().equals(other.normalized());
    }

    /** The normalized spelling: lower case, with a tag. Equal for all names of the same model. */
    public String normalized() {
        String folded = value.toLowerCase(Locale.ROOT);
        return folded.indexOf(':', folded.lastIndexOf('/') + 1) < 0 ? folded + ":latest" : folded;
    }

    @Override
    public String toString() {
        return value;
    }
}
