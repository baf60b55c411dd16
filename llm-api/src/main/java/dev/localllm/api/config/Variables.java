package dev.localllm.api.config;

import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.springframework.util.unit.DataSize;

/** Reads environment variables as typed values. A blank variable counts as not set. */
final class Variables {

    private static final Pattern DURATION = Pattern.compile("(\\d{1,9})(ms|s|m|h)");
    private static final Pattern SIZE = Pattern.compile("\\d{1,9}(B|KB|MB|GB)");

    private final Function<String, @Nullable String> lookup;

    Variables(Function<String, @Nullable String> lookup) {
        this.lookup = lookup;
    }

    @Nullable
    String text(String name) {
        String value = lookup.apply(name);
        return value == null || value.isBlank() ? null : value.strip();
    }

    String text(String name, String whenUnset) {
        String value = text(name);
        return value == null ? whenUnset : value;
    }

    /**
     * Returns the parsed value, or {@code whenUnset}. Throws an {@link InvalidSettingException} if the parser returns
     * null or throws an IllegalArgumentException.
     */
    <T> T parsed(String name, T whenUnset, String expected, Function<String, @Nullable T> parser) {
        String value = text(name);
        if (value == null) {
            return whenUnset;
        }
        T parsed = parseOrNull(parser, value);
        if (parsed == null) {
            throw new InvalidSettingException(name, value, expected);
        }
        return parsed;
    }

    int integer(String name, int whenUnset, int min, int max) {
        return parsed(name, whenUnset, "a whole number from " + min + " to " + max, text -> {
            int number = Integer.parseInt(text);
            return number >= min && number <= max ? number : null;
        });
    }

    Duration duration(String name, Duration whenUnset, Duration max) {
        return parsed(name, whenUnset, "a duration from 1ms to " + text(max) + ", as 500ms, 30s, 5m or 1h", text -> {
            Duration duration = duration(text);
            return duration == null || duration.isZero() || duration.compareTo(max) > 0 ? null : duration;
        });
    }

    DataSize size(String name, DataSize whenUnset, DataSize max) {
        return parsed(name, whenUnset, "a size from 1B to " + text(max) + ", as 512KB or 1MB", text -> {
            DataSize size = SIZE.matcher(text).matches() ? DataSize.parse(text) : DataSize.ofBytes(0);
            return size.toBytes() < 1 || size.compareTo(max) > 0 ? null : size;
        });
    }

    /** The trimmed items of a comma-separated list; null if an item is blank or invalid. */
    static @Nullable List<String> items(String text, Predicate<String> valid) {
        List<String> items =
                Arrays.stream(text.split(",", -1)).map(String::strip).toList();
        return items.stream().allMatch(item -> !item.isBlank() && valid.test(item)) ? items : null;
    }

    static @Nullable Duration duration(String text) {
        Matcher matcher = DURATION.matcher(text);
        if (!matcher.matches()) {
            return null;
        }
        long amount = Long.parseLong(matcher.group(1));
        return switch (matcher.group(2)) {
            case "ms" -> Duration.ofMillis(amount);
            case "s" -> Duration.ofSeconds(amount);
            case "m" -> Duration.ofMinutes(amount);
            default -> Duration.ofHours(amount);
        };
    }

    private static String text(Duration duration) {
        return duration.toHours() > 0 ? duration.toHours() + "h" : duration.toSeconds() + "s";
    }

    static String text(DataSize size) {
        return size.toMegabytes() > 0 ? size.toMegabytes() + "MB" : size.toKilobytes() + "KB";
    }

    private static <T> @Nullable T parseOrNull(Function<String, @Nullable T> parser, String value) {
        try {
            return parser.apply(value);
        } catch (IllegalArgumentException e) {
            return null;
        }
    }
}
