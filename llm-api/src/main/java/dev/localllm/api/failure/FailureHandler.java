package dev.localllm.api.failure;

import dev.localllm.core.failure.LlmException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.core.annotation.Order;
import org.springframework.core.io.buffer.DataBufferLimitException;
import org.springframework.http.HttpHeaders;
import org.springframework.http.HttpStatus;
import org.springframework.http.MediaType;
import org.springframework.http.server.reactive.ServerHttpResponse;
import org.springframework.stereotype.Component;
import org.springframework.web.ErrorResponse;
import org.springframework.web.server.ServerWebExchange;
import org.springframework.web.server.WebExceptionHandler;
import reactor.core.publisher.Mono;

/** Answers every request that failed before its first byte. Comes before Boot's own handler, which is at -1. */
@Component
@Order(-2)
final class FailureHandler implements WebExceptionHandler {

    private static final Logger log = LoggerFactory.getLogger(FailureHandler.class);

    @Override
    public Mono<Void> handle(ServerWebExchange exchange, Throwable fault) {
        ServerHttpResponse response = exchange.getResponse();
        if (response.isCommitted()) {
            return Mono.error(fault);
        }
        HttpFailure failure = failure(fault);
        response.setStatusCode(failure.status());
        HttpHeaders headers = response.getHeaders();
        headers.setContentType(MediaType.APPLICATION_JSON);
        headers.setCacheControl("no-store");
        if (fault instanceof ErrorResponse errorResponse) {
            headers.putAll(errorResponse.getHeaders());
        }
        if (failure.retryAfterSeconds() != null) {
            headers.set(HttpHeaders.RETRY_AFTER, failure.retryAfterSeconds().toString());
        }
        byte[] body = failure.body();
        headers.setContentLength(body.length);
        return response.writeWith(
                Mono.fromSupplier(() -> response.bufferFactory().wrap(body)));
    }

    private static HttpFailure failure(Throwable fault) {
        if (fault instanceof LlmException e) {
            return HttpFailure.of(e.failure());
        }
        if (fault instanceof DataBufferLimitException || fault.getCause() instanceof DataBufferLimitException) {
            return HttpFailure.ofStatus(
                    HttpStatus.CONTENT_TOO_LARGE, "The request's body is larger than MAX_BODY_SIZE allows.");
        }
        if (fault instanceof ErrorResponse e) {
            String detail = e.getBody().getDetail();
            return HttpFailure.ofStatus(
                    e.getStatusCode(), detail == null ? e.getStatusCode().toString() : detail);
        }
        log.error("A request failed for an unforeseen reason.", fault);
        return HttpFailure.internal();
    }
}
