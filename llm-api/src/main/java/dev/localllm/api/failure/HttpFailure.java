package dev.localllm.api.failure;

import dev.localllm.core.chat.JsonText;
import dev.localllm.core.failure.LlmException;
import dev.localllm.core.failure.LlmFailure;
import dev.localllm.core.failure.LlmFailure.ContextLengthExceeded;
import dev.localllm.core.failure.LlmFailure.InvalidRequest;
import dev.localllm.core.failure.LlmFailure.UnknownModel;
import dev.localllm.core.failure.LlmFailure.UnsupportedByModel;
import dev.localllm.core.failure.LlmFailure.UpstreamFailed;
import dev.localllm.core.failure.LlmFailure.UpstreamProtocol;
import dev.localllm.core.failure.LlmFailure.UpstreamTimeout;
import dev.localllm.core.failure.LlmFailure.UpstreamUnavailable;
import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.http.HttpStatus;
import org.springframework.http.HttpStatusCode;

/**
 * A failure as OpenAI's API tells it.
 *
 * @param code for programs; null where the type says all
 * @param param path of the request's field at fault, or null
 * @param retryAfterSeconds when asking again may help, or null
 */
public record HttpFailure(
        HttpStatusCode status,
        String type,
        @Nullable String code,
        @Nullable String param,
        String message,
        @Nullable Integer retryAfterSeconds) {

    private static final Logger log = LoggerFactory.getLogger(HttpFailure.class);
    private static final String INVALID_REQUEST = "invalid_request_error";
    private static final String SERVER_ERROR = "server_error";
    private static final int RETRY_AFTER_SECONDS = 5;

    /** What nobody foresaw is logged here, and told to the caller without its inside. */
    public static HttpFailure of(Throwable fault) {
        if (fault instanceof LlmException e) {
            return of(e.failure());
        }
        log.error("A request failed for an unforeseen reason.", fault);
        return serverError(HttpStatus.INTERNAL_SERVER_ERROR, "internal_error", "The server failed; its log tells why.");
    }

    public static HttpFailure of(LlmFailure failure) {
        return switch (failure) {
            case InvalidRequest f -> refusal(HttpStatus.BAD_REQUEST, null, f.field(), f);
            case UnknownModel f -> refusal(HttpStatus.NOT_FOUND, "model_not_found", "model", f);
            case UnsupportedByModel f -> refusal(HttpStatus.BAD_REQUEST, "unsupported_by_model", "model", f);
            case ContextLengthExceeded f -> refusal(HttpStatus.BAD_REQUEST, "context_length_exceeded", "messages", f);
            case UpstreamUnavailable f ->
                new HttpFailure(
                        HttpStatus.SERVICE_UNAVAILABLE,
                        SERVER_ERROR,
                        "upstream_unavailable",
                        null,
                        f.message(),
                        RETRY_AFTER_SECONDS);
            case UpstreamTimeout f -> serverError(HttpStatus.GATEWAY_TIMEOUT, "upstream_timeout", f.message());
            case UpstreamFailed f -> serverError(HttpStatus.BAD_GATEWAY, "upstream_failed", f.message());
            case UpstreamProtocol f -> serverError(HttpStatus.BAD_GATEWAY, "upstream_protocol_error", f.message());
        };
    }

    /** A request that HTTP alone refuses: wrong path, method, content type or size. */
    static HttpFailure ofStatus(HttpStatusCode status, String message) {
        return status.is4xxClientError()
                ? new HttpFailure(status, INVALID_REQUEST, null, null, message, null)
                : serverError(status, null, message);
    }

    /** <pre>{@code {"error":{"message":"…","type":"invalid_request_error","param":"model","code":"model_not_found"}}}</pre> */
    public byte[] body() {
        String json = "{\"error\":{\"message\":" + quoted(message) + ",\"type\":" + quoted(type) + ",\"param\":"
                + quoted(param) + ",\"code\":" + quoted(code) + "}}";
        return json.getBytes(StandardCharsets.UTF_8);
    }

    private static HttpFailure refusal(
            HttpStatus status, @Nullable String code, @Nullable String param, LlmFailure failure) {
        return new HttpFailure(status, INVALID_REQUEST, code, param, failure.message(), null);
    }

    private static HttpFailure serverError(HttpStatusCode status, @Nullable String code, String message) {
        return new HttpFailure(status, SERVER_ERROR, code, null, message, null);
    }

    private static String quoted(@Nullable String text) {
        return text == null ? "null" : JsonText.of(text).quoted();
    }
}
