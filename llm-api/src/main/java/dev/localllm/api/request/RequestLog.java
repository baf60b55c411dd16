package dev.localllm.api.request;

import static dev.localllm.api.logging.LogFields.CACHED_TOKENS;
import static dev.localllm.api.logging.LogFields.CLIENT;
import static dev.localllm.api.logging.LogFields.DETAIL;
import static dev.localllm.api.logging.LogFields.DURATION;
import static dev.localllm.api.logging.LogFields.END;
import static dev.localllm.api.logging.LogFields.ERROR_CODE;
import static dev.localllm.api.logging.LogFields.EVENTS;
import static dev.localllm.api.logging.LogFields.FIRST_MS;
import static dev.localllm.api.logging.LogFields.GENERATION_MS;
import static dev.localllm.api.logging.LogFields.GPU_MS;
import static dev.localllm.api.logging.LogFields.IGNORED_FIELDS;
import static dev.localllm.api.logging.LogFields.INPUT_TOKENS;
import static dev.localllm.api.logging.LogFields.LOAD_MS;
import static dev.localllm.api.logging.LogFields.METHOD;
import static dev.localllm.api.logging.LogFields.MODEL;
import static dev.localllm.api.logging.LogFields.OUTCOME;
import static dev.localllm.api.logging.LogFields.OUTPUT_TOKENS;
import static dev.localllm.api.logging.LogFields.PATH;
import static dev.localllm.api.logging.LogFields.PREPARE_MS;
import static dev.localllm.api.logging.LogFields.PROMPT_MS;
import static dev.localllm.api.logging.LogFields.QUEUE_MS;
import static dev.localllm.api.logging.LogFields.REQUEST_ID;
import static dev.localllm.api.logging.LogFields.SCHEMA_MISMATCH;
import static dev.localllm.api.logging.LogFields.STATUS;

import dev.localllm.api.client.ClientHash;
import dev.localllm.api.request.RequestEnd.Outcome;
import dev.localllm.core.admission.Receipt;
import dev.localllm.core.chat.ChatEvent.Finished;
import java.time.Duration;
import java.util.Set;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.event.Level;
import org.slf4j.spi.LoggingEventBuilder;

/** Logs one event per request when it has ended; answered probes and scrapes at debug level only. Thread-safe. */
public final class RequestLog implements Consumer<RequestEnd> {

    /** Operators search the log for this logger name. */
    private static final Logger log = LoggerFactory.getLogger(RequestFilter.class);

    private static final Set<String> PROBES = Set.of("/health", "/health/ready", "/actuator/prometheus");
    private static final int MAX_METHOD = 32;
    private static final int MAX_PATH = 128;
    private static final int MAX_DETAIL = 2000;

    private final ClientHash hash;

    public RequestLog(ClientHash hash) {
        this.hash = hash;
    }

    @Override
    public void accept(RequestEnd request) {
        boolean isProbe = PROBES.contains(request.path()) && request.outcome() == Outcome.ANSWERED;
        Level level = isProbe ? Level.DEBUG : Level.INFO;
        if (log.isEnabledForLevel(level)) {
            write(log.atLevel(level), request);
        }
    }

    private void write(LoggingEventBuilder event, RequestEnd request) {
        String method = bounded(request.method(), MAX_METHOD);
        String path = bounded(request.path(), MAX_PATH);
        String end = request.end();
        String outcome = outcome(request.outcome());
        add(event, REQUEST_ID, request.id());
        add(event, CLIENT, hash.of(request.client()));
        add(event, METHOD, method);
        add(event, PATH, path);
        add(event, STATUS, request.status());
        add(event, END, end);
        add(event, OUTCOME, outcome);
        add(event, ERROR_CODE, outcome.equals("failure") ? end : null);
        add(event, MODEL, request.model() == null ? null : request.model().value());
        add(event, DURATION, request.total().toNanos());
        addMillis(event, PREPARE_MS, request.untilResolved());
        addMillis(event, FIRST_MS, request.untilFirstEvent());
        addReceipt(event, request.receipt(), request.finished());
        if (request.finished() == null && request.events() > 0) {
            add(event, EVENTS, request.events());
        }
        addBounded(event, IGNORED_FIELDS, request.ignoredFields());
        addBounded(event, SCHEMA_MISMATCH, request.schemaMismatch());
        addBounded(event, DETAIL, request.detail());
        Object status = request.status() == null ? "-" : request.status();
        event.log(method + " " + path + " " + status + " " + end);
    }

    private static void addReceipt(LoggingEventBuilder event, @Nullable Receipt receipt, @Nullable Finished end) {
        if (receipt == null) {
            return;
        }
        Duration load = end == null ? Duration.ZERO : end.timings().load();
        addMillis(event, QUEUE_MS, receipt.queued());
        addMillis(event, LOAD_MS, receipt.loading().plus(load));
        addMillis(event, GPU_MS, receipt.charged());
        if (end != null) {
            addMillis(event, PROMPT_MS, end.timings().prompt());
            addMillis(event, GENERATION_MS, end.timings().generation());
            add(event, INPUT_TOKENS, end.usage().promptTokens());
            add(event, CACHED_TOKENS, end.usage().cachedPromptTokens());
            add(event, OUTPUT_TOKENS, end.usage().completionTokens());
        }
    }

    private static void addMillis(LoggingEventBuilder event, String name, @Nullable Duration time) {
        add(event, name, time == null ? null : time.toMillis());
    }

    private static void addBounded(LoggingEventBuilder event, String name, @Nullable String text) {
        add(event, name, text == null ? null : bounded(text, MAX_DETAIL));
    }

    private static void add(LoggingEventBuilder event, String name, @Nullable Object value) {
        if (value != null) {
            var _ = event.addKeyValue(name, value);
        }
    }

    /** ECS has these words. A request that its client aborts is neither a success nor a failure of the server. */
    private static String outcome(Outcome outcome) {
        return switch (outcome) {
            case ANSWERED -> "success";
            case ABORTED -> "unknown";
            case REFUSED, FAILED -> "failure";
        };
    }

    private static String bounded(String text, int length) {
        return text.length() <= length ? text : text.substring(0, length) + "…";
    }
}
