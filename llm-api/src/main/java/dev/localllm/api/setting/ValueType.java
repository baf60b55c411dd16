package dev.localllm.api.setting;

import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.function.Function;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.convert.DurationStyle;
import org.springframework.util.unit.DataSize;

/**
 * How the text of a setting becomes a value, and which values are allowed.
 *
 * @param expected the allowed values, for a refusal
 * @param range the allowed values, for the documentation; null if the meaning of the setting states them
 * @param parser returns null or throws an IllegalArgumentException for text that is not allowed
 */
public record ValueType<T>(String expected, @Nullable String range, Function<String, @Nullable T> parser) {

    private static final String SHORTEST = "1ms";
    private static final DataSize SMALLEST = DataSize.ofBytes(1);

    /** Whole numbers from {@code min} to {@code max}. */
    public static ValueType<Integer> number(int min, int max) {
        String range = min + " to " + max;
        return new ValueType<>("a whole number from " + range, range, text -> within(Integer.parseInt(text), min, max));
    }

    /** Durations from 1 ms to {@code max}. */
    public static ValueType<Duration> duration(String max) {
        return duration(max, SHORTEST + " to " + max);
    }

    /**
     * Durations from 1 ms to {@code max}.
     *
     * @param deployedMax replaces {@code max} in staging and production
     */
    public static ValueType<Duration> duration(String max, String deployedMax, AppEnvironment environment) {
        return duration(
                environment == AppEnvironment.LOCAL ? max : deployedMax,
                SHORTEST + " to " + max + "; to " + deployedMax + " in staging and production");
    }

    private static ValueType<Duration> duration(String max, String range) {
        Duration shortest = parseDuration(SHORTEST);
        Duration longest = parseDuration(max);
        return new ValueType<>(
                "a duration from " + SHORTEST + " to " + max + ", such as 500ms, 30s, 5m or 1h",
                range,
                text -> within(parseDuration(text), shortest, longest));
    }

    /** Sizes from 1 byte to {@code max}. */
    public static ValueType<DataSize> size(DataSize max) {
        return size(max, toText(SMALLEST) + " to " + toText(max));
    }

    /**
     * Sizes from 1 byte to {@code max}.
     *
     * @param range describes a maximum that is known only at run time
     */
    public static ValueType<DataSize> size(DataSize max, String range) {
        return new ValueType<>(
                "a size from " + toText(SMALLEST) + " to " + toText(max) + ", such as 512KB or 1MB",
                range,
                text -> within(parseSize(text), SMALLEST, max));
    }

    /** Texts that fulfil a condition. */
    public static ValueType<String> text(String expected, Predicate<String> allowed) {
        return of(expected, text -> allowed.test(text) ? text : null);
    }

    /** Comma-separated lists. Their items are stripped; none may be blank. */
    public static ValueType<List<String>> list(String expected, Predicate<String> allowed) {
        return of("a comma-separated list of " + expected, text -> {
            List<String> items =
                    Arrays.stream(text.split(",", -1)).map(String::strip).toList();
            return items.stream().allMatch(item -> !item.isBlank() && allowed.test(item)) ? items : null;
        });
    }

    /** Any type without a range. */
    public static <T> ValueType<T> of(String expected, Function<String, @Nullable T> parser) {
        return new ValueType<>(expected, null, parser);
    }

    /** Throws an IllegalArgumentException if the text is no duration or has no unit. */
    public static Duration parseDuration(String text) {
        return DurationStyle.SIMPLE.parse(withUnit(text));
    }

    private static DataSize parseSize(String text) {
        return DataSize.parse(withUnit(text));
    }

    /** The size in whole megabytes, kilobytes or bytes: the largest unit of which there is at least one. */
    public static String toText(DataSize size) {
        return size.toMegabytes() > 0
                ? size.toMegabytes() + "MB"
                : size.toKilobytes() > 0 ? size.toKilobytes() + "KB" : size.toBytes() + "B";
    }

    /** Null for text that is not allowed. */
    public @Nullable T parse(String text) {
        try {
            return parser.apply(text);
        } catch (IllegalArgumentException e) {
            return null;
        }
    }

    /** Boot's parsers assume milliseconds and bytes if the unit is missing. */
    private static String withUnit(String text) {
        if (Character.isDigit(text.charAt(text.length() - 1))) {
            throw new IllegalArgumentException(text + " (expected: a unit)");
        }
        return text;
    }

    private static <T extends Comparable<T>> @Nullable T within(T value, T min, T max) {
        return value.compareTo(min) >= 0 && value.compareTo(max) <= 0 ? value : null;
    }
}
