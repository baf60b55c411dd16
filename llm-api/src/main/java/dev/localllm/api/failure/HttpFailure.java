package dev.localllm.api.failure;

import dev.localllm.core.chat.JsonText;
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
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Locale;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.http.HttpHeaders;
import org.springframework.http.HttpStatus;
import org.springframework.http.HttpStatusCode;

/**
 * A failure as OpenAI's API tells it.
 *
 * @param code for programs; null where the type says all
 * @param param path of the request's field at fault, or null
 * @param detail for the log only; null if there is no more to say
 * @param retry whether the same request may succeed later: clients that repeat by themselves obey it
 */
public record HttpFailure(
        HttpStatusCode status,
        String type,
        @Nullable String code,
        @Nullable String param,
        String message,
        @Nullable String detail,
        Retry retry) {

    /** Under this name an exchange's attributes hold the failure that it ended with. */
    public static final String ATTRIBUTE = HttpFailure.class.getName();

    /** What a client that repeats failed requests by itself should do. */
    public sealed interface Retry {

        /** Whatever it does by default. */
        record AsUsual() implements Retry {}

        /** Asking again within reasonable time is of no use, or makes matters worse. */
        record No() implements Retry {}

        record After(Duration pause) implements Retry {}
    }

    private static final Logger log = LoggerFactory.getLogger(HttpFailure.class);
    public static final String REQUEST_ID = "x-request-id";
    public static final String RETRY_AFTER_MS = "retry-after-ms";
    public static final String SHOULD_RETRY = "x-should-retry";
    private static final String INVALID_REQUEST = "invalid_request_error";
    private static final String SERVER_ERROR = "server_error";
    private static final int MAX_MESSAGE = 512;
    private static final int MAX_PARAM = 128;
    private static final Retry AS_USUAL = new Retry.AsUsual();
    private static final Retry NO_RETRY = new Retry.No();
    private static final Retry SOON = new Retry.After(Duration.ofSeconds(5));

    /** For longer than this a client should not keep its own caller waiting. */
    private static final Duration LONGEST_PAUSE = Duration.ofSeconds(20);

    public HttpFailure {
        param = param == null ? null : bounded(param, MAX_PARAM);
        message = bounded(message, MAX_MESSAGE);
    }

    /**
     * Unexpected exceptions are logged; the caller gets a generic 500.
     *
     * @param requestId told in messages of a 5xx, so that the log line can be found
     */
    public static HttpFailure of(Throwable fault, @Nullable String requestId) {
        if (fault instanceof LlmException e) {
            return of(e.failure()).withRequestId(requestId);
        }
        log.error("Request {} failed unexpectedly.", requestId, fault);
        return serverError(HttpStatus.INTERNAL_SERVER_ERROR, "internal_error", "The server failed.", null)
                .withRequestId(requestId);
    }

    public static HttpFailure of(LlmFailure failure) {
        return switch (failure) {
            case InvalidRequest f -> refusal(HttpStatus.BAD_REQUEST, null, f.field(), f);
            case UnknownModel f -> refusal(HttpStatus.NOT_FOUND, "model_not_found", "model", f);
            case UnsupportedByModel f -> refusal(HttpStatus.BAD_REQUEST, "unsupported_by_model", "model", f);
            case ContextLengthExceeded f -> refusal(HttpStatus.BAD_REQUEST, "context_length_exceeded", "messages", f);
            case RateLimited f ->
                new HttpFailure(
                        HttpStatus.TOO_MANY_REQUESTS,
                        "requests",
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
    public static HttpFailure ofStatus(HttpStatusCode status, String message) {
        return status.is4xxClientError()
                ? new HttpFailure(status, INVALID_REQUEST, null, null, message, null, AS_USUAL)
                : serverError(status, null, message, null);
    }

    /** <pre>{@code {"error":{"message":"…","type":"invalid_request_error","param":"model","code":"model_not_found"}}}</pre> */
    public byte[] body() {
        String json = "{\"error\":{\"message\":" + quoted(message) + ",\"type\":" + quoted(type) + ",\"param\":"
                + quoted(param) + ",\"code\":" + quoted(code) + "}}";
        return json.getBytes(StandardCharsets.UTF_8);
    }

    /** Headers for clients that repeat failed requests by themselves. */
    void tellRetry(HttpHeaders headers) {
        switch (retry) {
            case Retry.AsUsual r -> {}
            case Retry.No r -> headers.set(SHOULD_RETRY, "false");
            case Retry.After r -> {
                headers.set(
                        HttpHeaders.RETRY_AFTER,
                        Long.toString(Math.ceilDiv(r.pause().toNanos(), 1_000_000_000L)));
                headers.set(RETRY_AFTER_MS, Long.toString(Math.ceilDiv(r.pause().toNanos(), 1_000_000L)));
                headers.set(SHOULD_RETRY, Boolean.toString(r.pause().compareTo(LONGEST_PAUSE) <= 0));
            }
        }
    }

    /** @param retryAfter null where nobody knows */
    private static HttpFailure unavailable(String code, LlmFailure failure, @Nullable Duration retryAfter) {
        return new HttpFailure(
                HttpStatus.SERVICE_UNAVAILABLE,
                SERVER_ERROR,
                code,
                null,
                failure.message(),
                failure.detail(),
                retryAfter == null ? SOON : new Retry.After(retryAfter));
    }

    /** Whoever repeats a generation that took too long doubles the load that made it slow. */
    private static HttpFailure timeout(DeadlineExceeded failure) {
        Deadline deadline = failure.deadline();
        return new HttpFailure(
                HttpStatus.GATEWAY_TIMEOUT,
                SERVER_ERROR,
                deadline.name().toLowerCase(Locale.ROOT) + "_timeout",
                null,
                failure.message(),
                null,
                deadline == Deadline.CONNECT ? SOON : NO_RETRY);
    }

    private static HttpFailure refusal(
            HttpStatus status, @Nullable String code, @Nullable String param, LlmFailure failure) {
        return new HttpFailure(status, INVALID_REQUEST, code, param, failure.message(), failure.detail(), AS_USUAL);
    }

    private static HttpFailure serverError(
            HttpStatusCode status, @Nullable String code, String message, @Nullable String detail) {
        return new HttpFailure(status, SERVER_ERROR, code, null, message, detail, AS_USUAL);
    }

    private HttpFailure withRequestId(@Nullable String id) {
        return id == null || !status.is5xxServerError()
                ? this
                : new HttpFailure(status, type, code, param, message + " (request " + id + ")", detail, retry);
    }

    private static String bounded(String text, int length) {
        return text.length() <= length ? text : text.substring(0, length - 1) + "…";
    }

    private static String quoted(@Nullable String text) {
        return text == null ? "null" : JsonText.of(text).quoted();
    }
}
