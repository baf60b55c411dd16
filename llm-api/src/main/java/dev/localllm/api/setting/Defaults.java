package dev.localllm.api.setting;

import java.util.regex.Pattern;

/** What holds in each environment while a setting is not set. */
public record Defaults(Default local, Default staging, Default production) {

    private static final Pattern CODE = Pattern.compile("[^`|\n]+");

    /** The manifest marks a required setting by a word, and one that must not be set by a dash. */
    private static final Pattern WORDS = Pattern.compile("(?!required|-$)[^`|\n]+");

    /** What holds in one environment while a setting is not set. */
    public sealed interface Default {}

    /** A fixed value, in the form in which it would be set. */
    public record Value(String text) implements Default {

        public Value {
            requireCell(text, CODE);
        }
    }

    /** The reader computes the default from another setting. */
    public record SameAs(String setting) implements Default {}

    /** The reader computes the default, which is no fixed value. */
    public record Words(String words) implements Default {

        public Words {
            requireCell(words, WORDS);
        }
    }

    /** The setting must be set. */
    public record Required(String example) implements Default {

        public Required {
            requireCell(example, CODE);
        }
    }

    /** The setting must not be in a file of settings. Where the server reads it, the default of local holds. */
    public record Unavailable() implements Default {}

    public static Default value(String text) {
        return new Value(text);
    }

    public static Default sameAs(String setting) {
        return new SameAs(setting);
    }

    public static Default words(String words) {
        return new Words(words);
    }

    public static Default required(String example) {
        return new Required(example);
    }

    public static Defaults everywhere(String value) {
        return everywhere(value(value));
    }

    public static Defaults everywhere(Default all) {
        return new Defaults(all, all, all);
    }

    public static Defaults localOnly(Default local) {
        return localAndDeployed(local, new Unavailable());
    }

    /** One default in local, another one in staging and production. */
    public static Defaults localAndDeployed(Default local, Default deployed) {
        return new Defaults(local, deployed, deployed);
    }

    public Default in(AppEnvironment environment) {
        return switch (environment) {
            case LOCAL -> local;
            case STAGING -> staging;
            case PRODUCTION -> production;
        };
    }

    private static void requireCell(String text, Pattern pattern) {
        if (!pattern.matcher(text).matches()) {
            throw new IllegalArgumentException("default: " + text + " (expected: " + pattern + ")");
        }
    }
}
