package dev.localllm.api;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.AppenderBase;
import dev.localllm.api.logging.LogFormat;
import dev.localllm.api.logging.TextLogFormatter;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.slf4j.LoggerFactory;
import org.springframework.boot.logging.logback.StructuredLogEncoder;

/** Captures the events of a logger while open. Create it after the server: a start resets logging. */
public final class CapturedLog implements AutoCloseable {

    private final Logger logger;
    private final Level before;
    private final List<ILoggingEvent> events = new CopyOnWriteArrayList<>();
    private final List<String> messages = new CopyOnWriteArrayList<>();
    private final AppenderBase<ILoggingEvent> appender = new AppenderBase<>() {
        @Override
        protected void append(ILoggingEvent event) {
            event.prepareForDeferredProcessing();
            events.add(event);
            StringBuilder text = new StringBuilder();
            TextLogFormatter.appendText(text, event);
            messages.add(text + (event.getThrowableProxy() == null ? "" : " " + event.getThrowableProxy()));
        }
    };

    /** @param name of the logger; ROOT for all loggers */
    public CapturedLog(String name, Level level) {
        logger = (Logger) LoggerFactory.getLogger(name);
        before = logger.getLevel();
        logger.setLevel(level);
        appender.setContext(logger.getLoggerContext());
        appender.start();
        logger.addAppender(appender);
    }

    public List<ILoggingEvent> events() {
        return events;
    }

    /** Each event's message and fields as in the text format, and its exception. */
    public List<String> messages() {
        return messages;
    }

    /** Each event as that format prints it. Needs a server that runs in this process. */
    public List<String> printed(LogFormat format) {
        StructuredLogEncoder encoder = new StructuredLogEncoder();
        encoder.setContext(logger.getLoggerContext());
        encoder.setFormat(format.formatter());
        encoder.setCharset(StandardCharsets.UTF_8);
        encoder.start();
        return events.stream()
                .map(event -> new String(encoder.encode(event), StandardCharsets.UTF_8))
                .toList();
    }

    /** Waits for a message with that text and returns the first one. */
    public String await(String text) throws InterruptedException {
        long end = System.nanoTime() + 5_000_000_000L;
        while (System.nanoTime() < end) {
            for (String message : messages) {
                if (message.contains(text)) {
                    return message;
                }
            }
            Thread.sleep(5);
        }
        throw new AssertionError("nothing logged with " + text + " in " + messages);
    }

    @Override
    public void close() {
        logger.detachAppender(appender);
        logger.setLevel(before);
    }
}
