package dev.localllm.api.openai;

import dev.localllm.api.failure.ErrorFormat;
import dev.localllm.api.failure.FailureResponse;
import dev.localllm.api.failure.FailureResponse.Retry;
import dev.localllm.core.chat.JsonText;
import java.util.List;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.springframework.http.HttpHeaders;
import org.springframework.http.HttpStatus;

/**
 * OpenAI's error body, and the retry headers that its SDKs obey. Thread-safe.
 *
 * <pre>{@code
 * {"error":{"message":"…","type":"invalid_request_error","param":"model","code":"model_not_found"}}
 * }</pre>
 */
public final class OpenAiErrors implements ErrorFormat {

    record ErrorBody(ErrorObject error) {}

    record ErrorObject(
            JsonText message,
            String type,
            @Nullable JsonText param,
            @Nullable String code) {}

    private static final String RETRY_AFTER_MS = "retry-after-ms";
    private static final String SHOULD_RETRY = "x-should-retry";

    @Override
    public boolean matches(String path, Function<String, @Nullable String> header) {
        return path.startsWith("/v1/");
    }

    @Override
    public byte[] body(FailureResponse failure) {
        return json(failure);
    }

    /** The error body, as JSON in UTF-8. */
    public static byte[] json(FailureResponse failure) {
        return OpenAiJson.bytes(new ErrorBody(new ErrorObject(
                JsonText.of(failure.message()),
                type(failure),
                failure.field() == null ? null : JsonText.of(failure.field()),
                code(failure))));
    }

    @Override
    public void writeRetryHeaders(Retry retry, HttpHeaders response) {
        switch (retry) {
            case Retry.Default r -> {}
            case Retry.No r -> response.set(SHOULD_RETRY, "false");
            case Retry.After r -> {
                response.set(
                        HttpHeaders.RETRY_AFTER,
                        Long.toString(Math.ceilDiv(r.pause().toNanos(), 1_000_000_000L)));
                response.set(
                        RETRY_AFTER_MS, Long.toString(Math.ceilDiv(r.pause().toNanos(), 1_000_000L)));
                response.set(SHOULD_RETRY, Boolean.toString(r.isWorthwhile()));
            }
        }
    }

    @Override
    public List<String> headerNames() {
        return List.of(
                HttpHeaders.RETRY_AFTER,
                RETRY_AFTER_MS,
                SHOULD_RETRY,
                NoteHeaders.IGNORED_FIELDS,
                NoteHeaders.SCHEMA_MISMATCH,
                RateLimitHeaders.LIMIT,
                RateLimitHeaders.REMAINING,
                RateLimitHeaders.RESET);
    }

    private static String type(FailureResponse failure) {
        if (failure.status().isSameCodeAs(HttpStatus.TOO_MANY_REQUESTS)) {
            return "requests";
        }
        return failure.status().is4xxClientError() ? "invalid_request_error" : "server_error";
    }

    /** Null if a code would add nothing to the type. */
    private static @Nullable String code(FailureResponse failure) {
        return switch (failure.code()) {
            case FailureResponse.INVALID_REQUEST, FailureResponse.SERVER_ERROR -> null;
            default -> failure.code();
        };
    }
}
