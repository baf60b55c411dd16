package dev.localllm.api.setting;

import java.util.regex.Pattern;

/**
 * The declaration of a setting. The manifest, the documentation, the example files and the deploying workflows are
 * generated from it.
 *
 * @param name of the environment variable
 * @param meaning <code>{range}</code> in it stands for the range of the type. Code is in backticks
 */
public record Setting<T>(String name, Kind kind, Reader reader, ValueType<T> type, Defaults defaults, String meaning) {

    private static final Pattern NAME = Pattern.compile("[A-Z][A-Z0-9_]*");
    private static final String RANGE = "{range}";

    /** Whether the value may be shown. */
    public enum Kind {
        VARIABLE,
        SECRET
    }

    /** Who reads the value. */
    public enum Reader {
        SERVER,
        DEPLOY
    }

    public Setting {
        if (!NAME.matcher(name).matches()) {
            throw new IllegalArgumentException("name: " + name + " (expected: " + NAME + ")");
        }
        if (meaning.isBlank() || meaning.contains("|") || meaning.contains("\n")) {
            throw new IllegalArgumentException(name + ": " + meaning + " (expected: one line of text without |)");
        }
        if (meaning.contains(RANGE) != (type.range() != null)) {
            throw new IllegalArgumentException(
                    name + ": " + meaning + " (expected: " + RANGE + " if the type has one: " + type.range() + ")");
        }
    }

    /** A setting of the server that is not secret. */
    public static <T> Setting<T> setting(String name, ValueType<T> type, Defaults defaults, String meaning) {
        return new Setting<>(name, Kind.VARIABLE, Reader.SERVER, type, defaults, meaning);
    }

    /** The meaning with the range. */
    public String description() {
        String range = type.range();
        return range == null ? meaning : meaning.replace(RANGE, range);
    }
}
