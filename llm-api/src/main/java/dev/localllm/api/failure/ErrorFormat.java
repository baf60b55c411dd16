package dev.localllm.api.failure;

import java.util.List;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.springframework.http.HttpHeaders;

/** The error response of one wire, for failures before the first byte of a response. Thread-safe. */
public interface ErrorFormat {

    /**
     * True if the request belongs to this wire.
     *
     * @param path undecoded, without the query; may be malformed if the request is refused before it reaches Spring
     * @param header maps a header name to its first value, or null
     */
    boolean matches(String path, Function<String, @Nullable String> header);

    /** The response body, as JSON in UTF-8. */
    byte[] body(FailureResponse failure);

    /** Sets the headers that tell clients whether and when to retry. */
    void writeRetryHeaders(FailureResponse.Retry retry, HttpHeaders response);

    /** Names of the non-standard headers of this wire's responses; CORS lets web pages read them. */
    List<String> headerNames();
}
