package dev.localllm.api.failure;

import dev.localllm.core.failure.Deadline;
import dev.localllm.core.failure.LlmException;
import dev.localllm.core.failure.LlmFailure;
import dev.localllm.core.failure.LlmFailure.ContextLengthExceeded;
import dev.localllm.core.failure.LlmFailure.DeadlineExceeded;
import dev.localllm.core.failure.LlmFailure.InputTooLong;
import dev.localllm.core.failure.LlmFailure.InvalidRequest;
import dev.localllm.core.failure.LlmFailure.Overloaded;
import dev.localllm.core.failure.LlmFailure.RateLimited;
import dev.localllm.core.failure.LlmFailure.SchemaNotHonoured;
import dev.localllm.core.failure.LlmFailure.ShuttingDown;
import dev.localllm.core.failure.LlmFailure.UnknownModel;
import dev.localllm.core.failure.LlmFailure.UnsupportedByModel;
import dev.localllm.core.failure.LlmFailure.UpstreamFailed;
import dev.localllm.core.failure.LlmFailure.UpstreamProtocol;
import dev.localllm.core.failure.LlmFailure.UpstreamUnavailable;
import java.time.Duration;
import java.util.Locale;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.http.HttpStatus;
import org.springframework.http.HttpStatusCode;
import org.springframework.web.server.ServerWebExchange;

/**
 * The HTTP response to a failure, the same for every wire; {@link ErrorFormat} writes its body.
 *
 * @param code for programs; {@link #INVALID_REQUEST} and {@link #SERVER_ERROR} add nothing to the status
 * @param field path of the invalid field of the request, or null
 * @param detail for the log only; null if there is none
 * @param retry whether the same request may succeed later
 */
public record FailureResponse(
        HttpStatusCode status,
        String code,
        @Nullable String field,
        String message,
        @Nullable String detail,
        Retry retry) {

    /** Advice for a client that retries automatically. */
    public sealed interface Retry {

        /** The client's default behavior. */
        record Default() implements Retry {}

        /** No retry: it would not help, or would make things worse. */
        record No() implements Retry {}

        record After(Duration pause) implements Retry {

            /** A client should not make its own caller wait longer than this. */
            private static final Duration MAX_PAUSE = Duration.ofSeconds(20);

            /** False if the client should report the failure instead of waiting. */
            public boolean isWorthwhile() {
                return pause.compareTo(MAX_PAUSE) <= 0;
            }
        }
    }

    /** The header with the request's id. */
    public static final String REQUEST_ID = "x-request-id";

    public static final String INVALID_REQUEST = "invalid_request";
    public static final String SERVER_ERROR = "server_error";

    private static final Logger log = LoggerFactory.getLogger(FailureResponse.class);
    private static final String ATTRIBUTE = FailureResponse.class.getName();
    private static final int MAX_MESSAGE = 512;
    private static final int MAX_FIELD = 128;
    private static final Retry DEFAULT_RETRY = new Retry.Default();
    private static final Retry NO_RETRY = new Retry.No();
    private static final Duration AFTER_RESTART = Duration.ofSeconds(1);
    private static final Duration SHORTEST_WAIT = Duration.ofSeconds(1);
    private static final Retry SOON = new Retry.After(Duration.ofSeconds(5));

    public FailureResponse {
        field = field == null ? null : bounded(field, MAX_FIELD);
        message = bounded(message, MAX_MESSAGE);
    }

    /**
     * Unexpected exceptions are logged; the caller gets a generic 500.
     *
     * @param requestId added to the message of a 5xx, to find the log line; null for none
     */
    public static FailureResponse of(Throwable fault, @Nullable String requestId) {
        if (fault instanceof LlmException e) {
            return of(e.failure()).withRequestId(requestId);
        }
        log.error("Request {} failed unexpectedly.", requestId, fault);
        return serverError(HttpStatus.INTERNAL_SERVER_ERROR, "internal_error", "The server failed.", null)
                .withRequestId(requestId);
    }

    public static FailureResponse of(LlmFailure failure) {
        return switch (failure) {
            case InvalidRequest f -> refusal(HttpStatus.BAD_REQUEST, INVALID_REQUEST, f.field(), f);
            case UnknownModel f -> refusal(HttpStatus.NOT_FOUND, "model_not_found", "model", f);
            case UnsupportedByModel f -> refusal(HttpStatus.BAD_REQUEST, "unsupported_by_model", "model", f);
            case ContextLengthExceeded f -> refusal(HttpStatus.BAD_REQUEST, "context_length_exceeded", f.field(), f);
            case InputTooLong f -> refusal(HttpStatus.BAD_REQUEST, "context_length_exceeded", "input", f);
            case RateLimited f ->
                new FailureResponse(
                        HttpStatus.TOO_MANY_REQUESTS,
                        "rate_limit_exceeded",
                        null,
                        f.message(),
                        null,
                        new Retry.After(f.retryAfter()));
            case Overloaded f -> unavailable("overloaded", f, atLeastASecond(f.retryAfter()));
            case ShuttingDown f -> unavailable("shutting_down", f, AFTER_RESTART);
            case UpstreamUnavailable f -> unavailable("upstream_unavailable", f, f.retryAfter());
            case DeadlineExceeded f -> timeout(f);
            case SchemaNotHonoured f ->
                new FailureResponse(HttpStatus.BAD_GATEWAY, "schema_not_honoured", null, f.message(), null, NO_RETRY);
            case UpstreamFailed f -> serverError(HttpStatus.BAD_GATEWAY, "upstream_failed", f.message(), f.detail());
            case UpstreamProtocol f ->
                serverError(HttpStatus.BAD_GATEWAY, "upstream_protocol_error", f.message(), f.detail());
        };
    }

    /** A failure at HTTP level: wrong path, method, content type or size. */
    public static FailureResponse ofStatus(HttpStatusCode status, String message) {
        return status.is4xxClientError()
                ? new FailureResponse(status, INVALID_REQUEST, null, message, null, DEFAULT_RETRY)
                : serverError(status, SERVER_ERROR, message, null);
    }

    /** The failure that {@link #putInto} stored in the exchange, or null. */
    public static @Nullable FailureResponse of(ServerWebExchange exchange) {
        return exchange.getAttribute(ATTRIBUTE);
    }

    /** Stores this failure in the exchange, for the request's record and log line. */
    public void putInto(ServerWebExchange exchange) {
        exchange.getAttributes().put(ATTRIBUTE, this);
    }

    /** @param retryAfter null if unknown */
    private static FailureResponse unavailable(String code, LlmFailure failure, @Nullable Duration retryAfter) {
        return new FailureResponse(
                HttpStatus.SERVICE_UNAVAILABLE,
                code,
                null,
                failure.message(),
                failure.detail(),
                retryAfter == null ? SOON : new Retry.After(retryAfter));
    }

    /** An expected wait of nothing means that the room is overdue: a client that asks at once uses up its retries. */
    private static @Nullable Duration atLeastASecond(@Nullable Duration expected) {
        return expected != null && expected.compareTo(SHORTEST_WAIT) < 0 ? SHORTEST_WAIT : expected;
    }

    /** No retry after a slow generation, which would double the load, or after a long wait: it would start from the beginning. */
    private static FailureResponse timeout(DeadlineExceeded failure) {
        Deadline deadline = failure.deadline();
        return new FailureResponse(
                deadline == Deadline.QUEUE ? HttpStatus.SERVICE_UNAVAILABLE : HttpStatus.GATEWAY_TIMEOUT,
                deadline.name().toLowerCase(Locale.ROOT) + "_timeout",
                null,
                failure.message(),
                null,
                deadline == Deadline.CONNECT ? SOON : NO_RETRY);
    }

    private static FailureResponse refusal(HttpStatus status, String code, @Nullable String field, LlmFailure failure) {
        return new FailureResponse(status, code, field, failure.message(), failure.detail(), DEFAULT_RETRY);
    }

    private static FailureResponse serverError(
            HttpStatusCode status, String code, String message, @Nullable String detail) {
        return new FailureResponse(status, code, null, message, detail, DEFAULT_RETRY);
    }

    private FailureResponse withRequestId(@Nullable String id) {
        return id == null || !status.is5xxServerError()
                ? this
                : new FailureResponse(status, code, field, message + " (request " + id + ")", detail, retry);
    }

    private static String bounded(String text, int length) {
        return text.length() <= length ? text : text.substring(0, length - 1) + "…";
    }
}
