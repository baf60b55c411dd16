package dev.localllm.api.failure;

import org.springframework.core.annotation.Order;
import org.springframework.core.io.buffer.DataBufferLimitException;
import org.springframework.http.HttpHeaders;
import org.springframework.http.HttpStatus;
import org.springframework.http.MediaType;
import org.springframework.http.server.reactive.ServerHttpRequest;
import org.springframework.http.server.reactive.ServerHttpResponse;
import org.springframework.stereotype.Component;
import org.springframework.web.ErrorResponse;
import org.springframework.web.server.ServerWebExchange;
import org.springframework.web.server.WebExceptionHandler;
import reactor.core.publisher.Mono;

/** Answers every request that failed before its first byte. Comes before Boot's own handler, which is at -1. */
@Component
@Order(-2)
public final class FailureHandler implements WebExceptionHandler {

    @Override
    public Mono<Void> handle(ServerWebExchange exchange, Throwable fault) {
        ServerHttpResponse response = exchange.getResponse();
        if (response.isCommitted()) {
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
        return response.writeWith(
                Mono.fromSupplier(() -> response.bufferFactory().wrap(body)));
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
            case 403 -> "The origin " + headers.getOrigin() + " is not in ALLOWED_ORIGINS.";
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
