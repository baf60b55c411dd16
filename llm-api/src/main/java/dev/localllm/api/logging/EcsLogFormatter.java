package dev.localllm.api.logging;

import ch.qos.logback.classic.pattern.ThrowableProxyConverter;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.classic.spi.IThrowableProxy;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.time.ZoneOffset;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.slf4j.event.KeyValuePair;
import org.springframework.boot.logging.structured.StructuredLogFormatter;
import org.springframework.core.env.Environment;

/**
 * Formats an event as one line of JSON in UTF-8, by the Elastic Common Schema (ECS). Names have dots and are not nested,
 * as those of Elastic's own loggers: so keys can't collide. Spring Boot's formatter nests them, and costs several times
 * as much (ADR 14). Spring Boot creates it. Thread-safe.
 */
public final class EcsLogFormatter implements StructuredLogFormatter<ILoggingEvent> {

    private static final String ECS_VERSION = "8.11";
    private static final int TYPICAL_LENGTH = 1024;

    private final LogTime time = new LogTime(ZoneOffset.UTC);
    private final ThrowableProxyConverter throwables;

    /** What each line says of the server. */
    private final String service;

    EcsLogFormatter(Environment environment, ThrowableProxyConverter throwables) {
        this.throwables = throwables;
        StringBuilder line = new StringBuilder();
        appendText(line, "ecs.version", ECS_VERSION);
        appendText(line, "service.name", environment.getProperty("spring.application.name", ""));
        appendText(line, "service.version", environment.getProperty("app.version", ""));
        appendText(
                line, "service.environment", environment.getProperty("logging.structured.ecs.service.environment", ""));
        service = line.toString();
    }

    @Override
    public String format(ILoggingEvent event) {
        StringBuilder line = new StringBuilder(TYPICAL_LENGTH).append("{\"@timestamp\":\"");
        time.append(line, event.getInstant());
        line.append('"');
        appendText(line, "log.level", event.getLevel().levelStr);
        appendText(line, "message", event.getFormattedMessage());
        line.append(service);
        appendText(line, "process.thread.name", event.getThreadName());
        appendText(line, "log.logger", event.getLoggerName());
        List<KeyValuePair> pairs = event.getKeyValuePairs();
        if (pairs != null) {
            for (int i = 0; i < pairs.size(); i++) {
                append(line, pairs.get(i).key, pairs.get(i).value);
            }
        }
        IThrowableProxy thrown = event.getThrowableProxy();
        if (thrown != null) {
            appendText(line, "error.type", thrown.getClassName());
            if (thrown.getMessage() != null) {
                appendText(line, "error.message", thrown.getMessage());
            }
            appendText(line, "error.stack_trace", throwables.convert(event));
        }
        return line.append("}\n").toString();
    }

    @Override
    public byte[] formatAsBytes(ILoggingEvent event, Charset charset) {
        return format(event).getBytes(StandardCharsets.UTF_8);
    }

    private static void append(StringBuilder line, String key, @Nullable Object value) {
        switch (value) {
            case Integer number -> appendKey(line, key).append(number.intValue());
            case Long number -> appendKey(line, key).append(number.longValue());
            case null -> appendKey(line, key).append("null");
            default -> appendText(line, key, String.valueOf(value));
        }
    }

    private static void appendText(StringBuilder line, String key, String value) {
        Quoted.append(appendKey(line, key), value);
    }

    /** Keys are constants of code, and need no escapes. */
    private static StringBuilder appendKey(StringBuilder line, String key) {
        return line.append(",\"").append(key).append("\":");
    }
}
