package dev.localllm.api.request;

import dev.localllm.api.client.ClientHash;
import dev.localllm.api.failure.FailureResponse;
import dev.localllm.core.admission.Receipt;
import dev.localllm.core.chat.ChatEvent.Finished;
import dev.localllm.core.chat.JsonText;
import java.time.Duration;
import java.util.Set;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Logs one line per request when it has ended; health probes at debug level only. Thread-safe. */
public final class RequestLog implements Consumer<RequestEnd> {

    /** Operators search the log for this logger name. */
    private static final Logger log = LoggerFactory.getLogger(RequestFilter.class);

    private static final Set<String> PROBES = Set.of("/health", "/health/ready");
    private static final int MAX_REQUEST = 128;
    private static final int MAX_DETAIL = 2000;

    private final ClientHash hash;

    public RequestLog(ClientHash hash) {
        this.hash = hash;
    }

    @Override
    public void accept(RequestEnd request) {
        if (PROBES.contains(request.path())) {
            if (log.isDebugEnabled()) {
                log.debug("{}", line(request));
            }
        } else if (log.isInfoEnabled()) {
            log.info("{}", line(request));
        }
    }

    private String line(RequestEnd request) {
        StringBuilder line = new StringBuilder(200)
                .append("id=")
                .append(request.id())
                .append(" client=")
                .append(hash.of(request.client()))
                .append(" request=\"")
                .append(bounded(request.method() + " " + request.path(), MAX_REQUEST))
                .append('"')
                .append(" model=")
                .append(request.model() == null ? "-" : request.model().value())
                .append(" status=")
                .append(request.status() == null ? "-" : request.status())
                .append(" end=")
                .append(end(request));
        append(line, " prepare_ms=", request.untilResolved());
        append(line, " first_ms=", request.untilFirstEvent());
        append(line, " total_ms=", request.total());
        if (request.receipt() != null) {
            appendReceipt(line, request.receipt(), request.finished());
        }
        if (request.finished() == null && request.events() > 0) {
            line.append(" events=").append(request.events());
        }
        appendQuoted(line, " ignored=", request.ignoredFields());
        appendQuoted(line, " schema_mismatch=", request.schemaMismatch());
        appendQuoted(line, " detail=", request.detail());
        return line.toString();
    }

    private static void appendQuoted(StringBuilder line, String name, @Nullable String text) {
        if (text != null) {
            line.append(name)
                    .append(JsonText.of(bounded(printable(text), MAX_DETAIL)).quoted());
        }
    }

    private static void appendReceipt(StringBuilder line, Receipt receipt, @Nullable Finished end) {
        Duration load = end == null ? Duration.ZERO : end.timings().load();
        append(line, " queue_ms=", receipt.queued());
        append(line, " load_ms=", receipt.loading().plus(load));
        append(line, " gpu_ms=", receipt.charged());
        if (end == null) {
            return;
        }
        append(line, " prompt_ms=", end.timings().prompt());
        append(line, " generation_ms=", end.timings().generation());
        line.append(" prompt_tokens=").append(end.usage().promptTokens());
        if (end.usage().cachedPromptTokens() != null) {
            line.append(" cached_tokens=").append(end.usage().cachedPromptTokens());
        }
        line.append(" completion_tokens=").append(end.usage().completionTokens());
    }

    private static void append(StringBuilder line, String name, @Nullable Duration time) {
        if (time != null) {
            line.append(name).append(time.toMillis());
        }
    }

    /** Operators search the log for OpenAI's name of this code. */
    private static String end(RequestEnd request) {
        return request.end().equals(FailureResponse.INVALID_REQUEST) ? "invalid_request_error" : request.end();
    }

    /** Replaces control characters that JSON does not escape. */
    private static String printable(String text) {
        return text.replaceAll("[\\x7F-\\x9F\\u2028\\u2029]", "?");
    }

    private static String bounded(String text, int length) {
        return text.length() <= length ? text : text.substring(0, length) + "…";
    }
}
