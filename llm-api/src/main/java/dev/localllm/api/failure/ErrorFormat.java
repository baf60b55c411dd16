package dev.localllm.api.failure;

import java.util.List;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.springframework.http.HttpHeaders;

/** How one wire tells failures before the first byte of a response. Thread-safe. */
public interface ErrorFormat {

    /**
     * Whether the request is one of this wire's.
     *
     * @param path as Spring sees it, not decoded and without the query; perhaps malformed where a request is refused
     *     before it reaches Spring
     * @param header the first value of the header of that name, null if there is none
     */
    boolean matches(String path, Function<String, @Nullable String> header);

    /** The response's body, JSON. */
    byte[] body(FailureResponse failure);

    /** Adds the headers that tell clients whether and when to try again. */
    void writeRetryHeaders(FailureResponse.Retry retry, HttpHeaders response);

    /** Names of all headers that this wire's responses may have beside HTTP's own; web pages may read them. */
    List<String> headerNames();
}
