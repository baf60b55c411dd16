package dev.localllm.api.failure;

import dev.localllm.core.failure.LlmException;
import dev.localllm.core.failure.LlmFailure.ShuttingDown;
import java.time.Duration;
import org.jspecify.annotations.Nullable;
import org.springframework.core.io.buffer.DataBufferUtils;
import org.springframework.http.HttpHeaders;
import org.springframework.http.MediaType;
import org.springframework.http.server.reactive.ServerHttpRequest;
import org.springframework.http.server.reactive.ServerHttpResponse;
import org.springframework.web.ErrorResponse;
import org.springframework.web.server.ServerWebExchange;
import reactor.core.publisher.Mono;

/** Sends the error response of a request that failed before the first byte, in the format of its wire. Thread-safe. */
public final class FailureHandler {

    private static final String BODY_READ = FailureHandler.class.getName() + ".bodyRead";
    private static final long MAX_DISCARDED_BYTES = 64 << 10;
    private static final Duration MAX_DISCARDING = Duration.ofSeconds(1);

    private final ErrorFormats formats;

    public FailureHandler(ErrorFormats formats) {
        this.formats = formats;
    }

    /** Call this before the request's body is read. */
    public static void onBodyStart(ServerWebExchange exchange) {
        exchange.getAttributes().put(BODY_READ, false);
    }

    /** Call this when the request's body was read to its end. */
    public static void onBodyComplete(ServerWebExchange exchange) {
        exchange.getAttributes().put(BODY_READ, true);
    }

    /** Sends the error response. If the response is committed, fails with the fault, which closes the connection. */
    public Mono<Void> handle(ServerWebExchange exchange, Throwable fault) {
        ServerHttpResponse response = exchange.getResponse();
        if (response.isCommitted()) {
            if (FailureResponse.of(exchange) == null) {
                FailureResponse.of(fault, requestId(response)).putInto(exchange);
            }
            return Mono.error(fault);
        }
        FailureResponse failure = failure(fault, exchange);
        failure.putInto(exchange);
        response.setStatusCode(failure.status());
        HttpHeaders headers = response.getHeaders();
        headers.setContentType(MediaType.APPLICATION_JSON);
        headers.setCacheControl("no-store");
        if (fault instanceof ErrorResponse errorResponse) {
            headers.putAll(errorResponse.getHeaders());
        }
        if (fault instanceof LlmException e && e.failure() instanceof ShuttingDown) {
            headers.set(HttpHeaders.CONNECTION, "close"); // as the web server will do: a retry must not come over it
        }
        ErrorFormat format = formats.of(exchange.getRequest());
        format.writeRetryHeaders(failure.retry(), headers);
        byte[] body = format.body(failure);
        headers.setContentLength(body.length);
        return discardBody(exchange)
                .then(Mono.defer(() -> response.writeWith(
                        Mono.fromSupplier(() -> response.bufferFactory().wrap(body)))));
    }

    /**
     * An unread body blocks the next request on the connection. A short one is read and discarded. If it is long or
     * partly read, the connection is closed.
     */
    private static Mono<Void> discardBody(ServerWebExchange exchange) {
        ServerHttpRequest request = exchange.getRequest();
        long length = request.getHeaders().getContentLength();
        boolean chunked = request.getHeaders().containsHeader(HttpHeaders.TRANSFER_ENCODING);
        Boolean read = exchange.getAttribute(BODY_READ);
        if (Boolean.TRUE.equals(read) || (length <= 0 && !chunked)) {
            return Mono.empty();
        }
        if (read == null && length > 0 && length <= MAX_DISCARDED_BYTES) {
            return request.getBody()
                    .doOnNext(DataBufferUtils::release)
                    .then()
                    .timeout(MAX_DISCARDING, Mono.empty())
                    .onErrorComplete();
        }
        exchange.getResponse().getHeaders().set(HttpHeaders.CONNECTION, "close");
        return Mono.empty();
    }

    private static FailureResponse failure(Throwable fault, ServerWebExchange exchange) {
        if (fault instanceof ErrorResponse e) {
            return FailureResponse.ofStatus(e.getStatusCode(), reason(e, exchange.getRequest()));
        }
        return FailureResponse.of(fault, requestId(exchange.getResponse()));
    }

    private static @Nullable String requestId(ServerHttpResponse response) {
        return response.getHeaders().getFirst(FailureResponse.REQUEST_ID);
    }

    /** Our own message: Spring's message shows internals. */
    private static String reason(ErrorResponse fault, ServerHttpRequest request) {
        HttpHeaders headers = request.getHeaders();
        String detail = fault.getBody().getDetail();
        return switch (fault.getStatusCode().value()) {
            case 404 -> "There is no " + request.getMethod() + " " + request.getPath() + ".";
            case 405 ->
                request.getMethod() + " is not allowed here (expected: "
                        + fault.getHeaders().getAllow() + ").";
            case 408 -> "The request's body did not arrive within BODY_TIMEOUT.";
            case 415 -> "Content-Type: " + headers.getFirst(HttpHeaders.CONTENT_TYPE) + " (expected: application/json)";
            default -> detail == null ? fault.getStatusCode().toString() : detail;
        };
    }
}
