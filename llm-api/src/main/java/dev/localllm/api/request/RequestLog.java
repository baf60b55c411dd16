package dev.localllm.api.request;

import dev.localllm.api.client.ClientHash;
import dev.localllm.api.failure.FailureResponse;
import dev.localllm.core.chat.JsonText;
import java.util.Set;
import java.util.function.Consumer;
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
        if (request.untilResolved() != null) {
            line.append(" prepare_ms=").append(request.untilResolved().toMillis());
        }
        if (request.untilFirstEvent() != null) {
            line.append(" first_ms=").append(request.untilFirstEvent().toMillis());
        }
        line.append(" total_ms=").append(request.total().toMillis());
        if (request.usage() != null) {
            line.append(" prompt_tokens=")
                    .append(request.usage().promptTokens())
                    .append(" completion_tokens=")
                    .append(request.usage().completionTokens());
        } else if (request.events() > 0) {
            line.append(" events=").append(request.events());
        }
        if (request.detail() != null) {
            line.append(" detail=")
                    .append(JsonText.of(bounded(printable(request.detail()), MAX_DETAIL))
                            .quoted());
        }
        return line.toString();
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
