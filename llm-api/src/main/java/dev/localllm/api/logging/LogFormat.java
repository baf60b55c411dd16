package dev.localllm.api.logging;

import ch.qos.logback.classic.spi.ILoggingEvent;
import java.util.Locale;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.logging.structured.StructuredLogFormatter;

/** The formats of the log on standard output. */
public enum LogFormat {
    TEXT(TextLogFormatter.class),
    ECS(EcsLogFormatter.class);

    private final Class<? extends StructuredLogFormatter<ILoggingEvent>> formatter;

    LogFormat(Class<? extends StructuredLogFormatter<ILoggingEvent>> formatter) {
        this.formatter = formatter;
    }

    /** The format of that name in lower case; null if there is none. */
    public static @Nullable LogFormat named(String name) {
        for (LogFormat format : values()) {
            if (format.toString().equals(name)) {
                return format;
            }
        }
        return null;
    }

    /** The name of its class, for Spring Boot. */
    public String formatter() {
        return formatter.getName();
    }

    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT);
    }
}
