package dev.localllm.api.failure;

import dev.localllm.core.failure.Deadline;
import dev.localllm.core.failure.LlmException;
import dev.localllm.core.failure.LlmFailure;
import dev.localllm.core.failure.LlmFailure.ContextLengthExceeded;
import dev.localllm.core.failure.LlmFailure.DeadlineExceeded;
import dev.localllm.core.failure.LlmFailure.InvalidRequest;
import dev.localllm.core.failure.LlmFailure.Overloaded;
import dev.localllm.core.failure.LlmFailure.RateLimited;
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
 * A failure as every wire tells it, each in its own {@link ErrorFormat}.
 *
 * @param code for programs: {@link #INVALID_REQUEST} and {@link #SERVER_ERROR} say no more than the status
 * @param field path of the request's field at fault, or null
 * @param detail for the log only; null if there is no more to say
 * @param retry whether the same request may succeed later
 */
public record FailureResponse(
        HttpStatusCode status,
        String code,
        @Nullable String field,
        String message,
        @Nullable String detail,
        Retry retry) {

    /** What a client that repeats failed requests by itself should do. */
    public sealed interface Retry {

        /** Whatever it does by default. */
        record AsUsual() implements Retry {}

        /** Asking again within reasonable time is of no use, or makes matters worse. */
        record No() implements Retry {}

        record After(Duration pause) implements Retry {

            /** For longer than this a client should not keep its own caller waiting. */
            private static final Duration LONGEST = Duration.ofSeconds(20);

            /** False where a client had better report the failure than wait. */
            public boolean isWorthwhile() {
                return pause.compareTo(LONGEST) <= 0;
            }
        }
    }

    /** The header that names the request. */
    public static final String REQUEST_ID = "x-request-id";

    public static final String INVALID_REQUEST = "invalid_request";
    public static final String SERVER_ERROR = "server_error";

    private static final Logger log = LoggerFactory.getLogger(FailureResponse.class);
    private static final String ATTRIBUTE = FailureResponse.class.getName();
    private static final int MAX_MESSAGE = 512;
    private static final int MAX_FIELD = 128;
    private static final Retry AS_USUAL = new Retry.AsUsual();
    private static final Retry NO_RETRY = new Retry.No();
    private static final Retry SOON = new Retry.After(Duration.ofSeconds(5));

    public FailureResponse {
        field = field == null ? null : bounded(field, MAX_FIELD);
        message = bounded(message, MAX_MESSAGE);
    }

    /**
     * Unexpected exceptions are logged; the caller gets a generic 500.
     *
     * @param requestId told in messages of a 5xx, so that the log line can be found
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
            case ContextLengthExceeded f -> refusal(HttpStatus.BAD_REQUEST, "context_length_exceeded", "messages", f);
            case RateLimited f ->
                new FailureResponse(
                        HttpStatus.TOO_MANY_REQUESTS,
                        "rate_limit_exceeded",
                        null,
                        f.message(),
                        null,
                        new Retry.After(f.retryAfter()));
            case Overloaded f -> unavailable("overloaded", f, null);
            case ShuttingDown f -> unavailable("shutting_down", f, null);
            case UpstreamUnavailable f -> unavailable("upstream_unavailable", f, f.retryAfter());
            case DeadlineExceeded f -> timeout(f);
            case UpstreamFailed f -> serverError(HttpStatus.BAD_GATEWAY, "upstream_failed", f.message(), f.detail());
            case UpstreamProtocol f ->
                serverError(HttpStatus.BAD_GATEWAY, "upstream_protocol_error", f.message(), f.detail());
        };
    }

    /** A request that HTTP alone refuses: wrong path, method, content type or size. */
    public static FailureResponse ofStatus(HttpStatusCode status, String message) {
        return status.is4xxClientError()
                ? new FailureResponse(status, INVALID_REQUEST, null, message, null, AS_USUAL)
                : serverError(status, SERVER_ERROR, message, null);
    }

    /** What the exchange failed with, or null as long as nothing was told. */
    public static @Nullable FailureResponse of(ServerWebExchange exchange) {
        return exchange.getAttribute(ATTRIBUTE);
    }

    /** Notes that this is what the exchange failed with. */
    public void putInto(ServerWebExchange exchange) {
        exchange.getAttributes().put(ATTRIBUTE, this);
    }

    /** @param retryAfter null where nobody knows */
    private static FailureResponse unavailable(String code, LlmFailure failure, @Nullable Duration retryAfter) {
        return new FailureResponse(
                HttpStatus.SERVICE_UNAVAILABLE,
                code,
                null,
                failure.message(),
                failure.detail(),
                retryAfter == null ? SOON : new Retry.After(retryAfter));
    }

    /** Whoever repeats a generation that took too long doubles the load that made it slow. */
    private static FailureResponse timeout(DeadlineExceeded failure) {
        Deadline deadline = failure.deadline();
        return new FailureResponse(
                HttpStatus.GATEWAY_TIMEOUT,
                deadline.name().toLowerCase(Locale.ROOT) + "_timeout",
                null,
                failure.message(),
                null,
                deadline == Deadline.CONNECT ? SOON : NO_RETRY);
    }

    private static FailureResponse refusal(HttpStatus status, String code, @Nullable String field, LlmFailure failure) {
        return new FailureResponse(status, code, field, failure.message(), failure.detail(), AS_USUAL);
    }

    private static FailureResponse serverError(
            HttpStatusCode status, String code, String message, @Nullable String detail) {
        return new FailureResponse(status, code, null, message, detail, AS_USUAL);
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
