package dev.localllm.api.logging;

import ch.qos.logback.classic.pattern.LoggerConverter;
import ch.qos.logback.classic.pattern.ThrowableProxyConverter;
import ch.qos.logback.classic.spi.ILoggingEvent;
import java.time.ZoneId;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.slf4j.event.KeyValuePair;
import org.springframework.boot.logging.structured.StructuredLogFormatter;

/**
 * Formats an event as a line of text: time, level, thread, logger, message, and the key-values as {@code name=value}. A
 * name is the last part of the key. What the message of a request says is not repeated. Only an event's first line
 * begins at the margin, so that no message can forge an event. Spring Boot creates it. Thread-safe.
 */
public final class TextLogFormatter implements StructuredLogFormatter<ILoggingEvent> {

    private static final String LOGGER_LENGTH = "39";
    private static final String INDENT = "    ";
    private static final int TYPICAL_LENGTH = 480;
    private static final int LEVEL_WIDTH = 5;
    private static final int NANOS_PER_MS = 1_000_000;

    private final LogTime time;
    private final LoggerConverter logger = new LoggerConverter();
    private final ThrowableProxyConverter throwables;

    TextLogFormatter(ThrowableProxyConverter throwables) {
        this(throwables, ZoneId.systemDefault());
    }

    TextLogFormatter(ThrowableProxyConverter throwables, ZoneId zone) {
        this.throwables = throwables;
        this.time = new LogTime(zone);
        logger.setOptionList(List.of(LOGGER_LENGTH));
        logger.start();
    }

    @Override
    public String format(ILoggingEvent event) {
        StringBuilder line = new StringBuilder(TYPICAL_LENGTH);
        time.append(line, event.getInstant());
        String level = event.getLevel().levelStr;
        line.repeat(' ', 1 + LEVEL_WIDTH - level.length())
                .append(level)
                .append(" [")
                .append(event.getThreadName())
                .append("] ")
                .append(logger.convert(event))
                .append(" : ");
        appendText(line, event);
        line.append('\n');
        if (event.getThrowableProxy() != null) {
            appendIndented(line.append(INDENT), throwables.convert(event).stripTrailing());
            line.append('\n');
        }
        return line.toString();
    }

    /** Appends the message and the key-values. */
    public static void appendText(StringBuilder line, ILoggingEvent event) {
        appendIndented(line, event.getFormattedMessage());
        List<KeyValuePair> pairs = event.getKeyValuePairs();
        if (pairs != null) {
            for (int i = 0; i < pairs.size(); i++) {
                append(line, pairs.get(i).key, pairs.get(i).value);
            }
        }
    }

    private static void append(StringBuilder line, String key, @Nullable Object value) {
        switch (key) {
            case LogFields.METHOD, LogFields.PATH, LogFields.STATUS, LogFields.END, LogFields.ERROR_CODE -> {}
            case LogFields.CLIENT -> appendValue(line.append(" client="), value);
            case LogFields.DURATION -> appendValue(line.append(" total_ms="), millis(value));
            default -> {
                line.append(' ').append(key, key.lastIndexOf('.') + 1, key.length());
                appendValue(line.append('='), value);
            }
        }
    }

    private static @Nullable Object millis(@Nullable Object nanos) {
        return nanos instanceof Long number ? (Object) (number / NANOS_PER_MS) : nanos;
    }

    private static void appendValue(StringBuilder line, @Nullable Object value) {
        switch (value) {
            case Integer number -> line.append(number.intValue());
            case Long number -> line.append(number.longValue());
            case null, default -> {
                String text = String.valueOf(value);
                if (isPlain(text)) {
                    line.append(text);
                } else {
                    Quoted.append(line, text);
                }
            }
        }
    }

    /** True if the text is one word without quotes. */
    private static boolean isPlain(String text) {
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (c <= ' ' || c == '"' || c == '\\' || c >= 0x7F) {
                return false;
            }
        }
        return !text.isEmpty();
    }

    /** Indents all lines but the first. Replaces control characters. */
    private static void appendIndented(StringBuilder line, String text) {
        int plain = 0;
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (Quoted.isUnsafe(c) && c != '\t') {
                line.append(text, plain, i);
                plain = i + 1;
                if (c == '\n') {
                    line.append('\n').append(INDENT);
                } else if (c != '\r') {
                    line.append('?');
                }
            }
        }
        line.append(text, plain, text.length());
    }
}
