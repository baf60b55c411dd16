package dev.localllm.api.request;

import dev.localllm.api.client.ClientIdentity;
import dev.localllm.api.failure.FailureHandler;
import dev.localllm.api.failure.HttpFailure;
import java.util.function.LongSupplier;
import java.util.function.Supplier;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.core.Ordered;
import org.springframework.http.HttpStatusCode;
import org.springframework.http.server.reactive.ServerHttpRequest;
import org.springframework.web.server.ServerWebExchange;
import org.springframework.web.server.WebFilter;
import org.springframework.web.server.WebFilterChain;
import reactor.core.publisher.Mono;
import reactor.core.publisher.SignalType;

/**
 * The outermost filter: gives every request its id, answers its failure, and writes one line of log when it is over.
 * Thread-safe.
 */
public final class RequestFilter implements WebFilter, Ordered {

    public static final String REQUEST_ID = "x-request-id";

    private static final Logger log = LoggerFactory.getLogger(RequestFilter.class);
    private static final Pattern SANE_ID = Pattern.compile("[A-Za-z0-9._:-]{1,128}");

    private final ClientIdentity clients;
    private final FailureHandler failures;
    private final ClientHash hash;
    private final Supplier<String> uniqueIds;
    private final LongSupplier clock;

    /** @param clock in nanoseconds, as {@link System#nanoTime} */
    public RequestFilter(
            ClientIdentity clients,
            FailureHandler failures,
            ClientHash hash,
            Supplier<String> uniqueIds,
            LongSupplier clock) {
        this.clients = clients;
        this.failures = failures;
        this.hash = hash;
        this.uniqueIds = uniqueIds;
        this.clock = clock;
    }

    @Override
    public int getOrder() {
        return HIGHEST_PRECEDENCE;
    }

    @Override
    public Mono<Void> filter(ServerWebExchange exchange, WebFilterChain chain) {
        ServerHttpRequest request = exchange.getRequest();
        String id = id(request.getHeaders().getFirst(REQUEST_ID));
        exchange.getResponse().getHeaders().set(REQUEST_ID, id);
        RequestRecord record = new RequestRecord(id, clients.of(request), clock);
        record.putInto(exchange);
        return chain.filter(exchange)
                .onErrorResume(fault -> failures.handle(exchange, fault))
                .doFinally(signal -> log(exchange, record, signal));
    }

    private String id(@Nullable String callers) {
        return callers != null && SANE_ID.matcher(callers).matches() ? callers : uniqueIds.get();
    }

    private void log(ServerWebExchange exchange, RequestRecord record, SignalType signal) {
        boolean probe = exchange.getRequest().getPath().value().startsWith("/health");
        if (probe ? log.isDebugEnabled() : log.isInfoEnabled()) {
            HttpStatusCode status = exchange.getResponse().getStatusCode();
            String line = record.line(
                    exchange.getRequest().getMethod() + " " + path(exchange.getRequest()),
                    hash.of(record.client()),
                    exchange.getResponse().isCommitted() ? (status == null ? 200 : status.value()) : null,
                    end(exchange, record, signal));
            if (probe) {
                log.debug("{}", line);
            } else {
                log.info("{}", line);
            }
        }
    }

    /** A line stays a line, whatever somebody asks for. */
    private static String path(ServerHttpRequest request) {
        String path = request.getURI().getRawPath();
        return path.length() > 128 ? path.substring(0, 128) + "…" : path;
    }

    private static String end(ServerWebExchange exchange, RequestRecord record, SignalType signal) {
        HttpFailure failure = exchange.getAttribute(HttpFailure.ATTRIBUTE);
        if (failure != null) {
            return failure.code() == null ? failure.type() : failure.code();
        }
        if (WriteStallHandler.stalled(exchange.getRequest())) {
            return "client_slow";
        }
        return signal == SignalType.ON_COMPLETE && !record.cutOff() ? "done" : "client_gone";
    }
}
