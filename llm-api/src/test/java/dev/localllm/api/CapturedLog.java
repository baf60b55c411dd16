package dev.localllm.api;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.AppenderBase;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.slf4j.LoggerFactory;

/** Captures the messages of a logger while open. Create it after the server: a start resets logging. */
public final class CapturedLog implements AutoCloseable {

    private final Logger logger;
    private final Level before;
    private final List<String> messages = new CopyOnWriteArrayList<>();
    private final AppenderBase<ILoggingEvent> appender = new AppenderBase<>() {
        @Override
        protected void append(ILoggingEvent event) {
            messages.add(event.getFormattedMessage()
                    + (event.getThrowableProxy() == null ? "" : " " + event.getThrowableProxy()));
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

    public List<String> messages() {
        return messages;
    }

    /** Waits for a message with that text and returns the first one. */
    String await(String text) throws InterruptedException {
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
