package dev.localllm.api.failure;

import dev.localllm.core.failure.LlmException;
import java.time.Duration;
import org.springframework.core.io.buffer.DataBufferLimitException;
import org.springframework.core.io.buffer.DataBufferUtils;
import org.springframework.http.HttpHeaders;
import org.springframework.http.HttpStatus;
import org.springframework.http.MediaType;
import org.springframework.http.server.reactive.ServerHttpRequest;
import org.springframework.http.server.reactive.ServerHttpResponse;
import org.springframework.web.ErrorResponse;
import org.springframework.web.server.ServerWebExchange;
import reactor.core.publisher.Mono;

/** Answers every request that failed before its first byte. Thread-safe. */
public final class FailureHandler {

    private static final long MAX_DISCARDED_BYTES = 64 << 10;
    private static final Duration MAX_DISCARDING = Duration.ofSeconds(1);

    /** Answers, or fails with the fault if the answer has begun: that closes the connection. */
    public Mono<Void> handle(ServerWebExchange exchange, Throwable fault) {
        ServerHttpResponse response = exchange.getResponse();
        if (response.isCommitted()) {
            exchange.getAttributes().computeIfAbsent(HttpFailure.ATTRIBUTE, name -> HttpFailure.of(fault));
            return Mono.error(fault);
        }
        HttpFailure failure = failure(fault, exchange.getRequest());
        exchange.getAttributes().put(HttpFailure.ATTRIBUTE, failure);
        response.setStatusCode(failure.status());
        HttpHeaders headers = response.getHeaders();
        headers.setContentType(MediaType.APPLICATION_JSON);
        headers.setCacheControl("no-store");
        if (fault instanceof ErrorResponse errorResponse) {
            headers.putAll(errorResponse.getHeaders());
        }
        failure.tellRetry(headers);
        byte[] body = failure.body();
        headers.setContentLength(body.length);
        return discardBody(fault, exchange.getRequest(), headers)
                .then(Mono.defer(() -> response.writeWith(
                        Mono.fromSupplier(() -> response.bufferFactory().wrap(body)))));
    }

    /**
     * A body that nobody read would keep the connection's next request from being read: a short one is taken and
     * thrown away, after a longer one the connection is closed.
     */
    private static Mono<Void> discardBody(Throwable fault, ServerHttpRequest request, HttpHeaders answer) {
        long length = request.getHeaders().getContentLength();
        boolean chunked = request.getHeaders().containsHeader(HttpHeaders.TRANSFER_ENCODING);
        if (fault instanceof LlmException || (length <= 0 && !chunked)) {
            return Mono.empty();
        }
        if (length > 0 && length <= MAX_DISCARDED_BYTES) {
            return request.getBody()
                    .doOnNext(DataBufferUtils::release)
                    .then()
                    .timeout(MAX_DISCARDING, Mono.empty())
                    .onErrorComplete();
        }
        answer.set(HttpHeaders.CONNECTION, "close");
        return Mono.empty();
    }

    private static HttpFailure failure(Throwable fault, ServerHttpRequest request) {
        if (fault instanceof DataBufferLimitException || fault.getCause() instanceof DataBufferLimitException) {
            return HttpFailure.ofStatus(
                    HttpStatus.CONTENT_TOO_LARGE, "The request's body is larger than MAX_BODY_SIZE allows.");
        }
        if (fault instanceof ErrorResponse e) {
            return HttpFailure.ofStatus(e.getStatusCode(), reason(e, request));
        }
        return HttpFailure.of(fault);
    }

    /** In the server's own words: Spring's speak of its inside. */
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
