package dev.localllm.api.request;

import dev.localllm.api.client.ClientIdentity;
import dev.localllm.api.connection.WriteStallHandler;
import dev.localllm.api.failure.FailureHandler;
import dev.localllm.api.failure.FailureResponse;
import dev.localllm.api.lifecycle.Drain;
import dev.localllm.core.failure.LlmException;
import java.time.Duration;
import java.util.List;
import java.util.function.Consumer;
import java.util.function.LongSupplier;
import java.util.function.Supplier;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.core.Ordered;
import org.springframework.http.HttpStatus;
import org.springframework.http.HttpStatusCode;
import org.springframework.http.server.reactive.ServerHttpRequest;
import org.springframework.http.server.reactive.ServerHttpResponse;
import org.springframework.web.server.ServerWebExchange;
import org.springframework.web.server.WebFilter;
import org.springframework.web.server.WebFilterChain;
import org.springframework.web.util.DisconnectedClientHelper;
import reactor.core.publisher.Mono;
import reactor.core.publisher.SignalType;

/**
 * The outermost filter: gives every request an id, responds to failures, and reports the end of each request to
 * listeners. Thread-safe.
 */
public final class RequestFilter implements WebFilter, Ordered {

    private static final Logger log = LoggerFactory.getLogger(RequestFilter.class);

    /** Under heavy load the server may need this long to close a connection that the client has reset. */
    private static final Duration CLOSE_TIMEOUT = Duration.ofSeconds(5);

    private static final Pattern VALID_ID = Pattern.compile("[A-Za-z0-9._:-]{1,128}");

    private final ClientIdentity clients;
    private final FailureHandler failures;
    private final Drain drain;
    private final List<Consumer<RequestEnd>> listeners;
    private final Supplier<String> uniqueIds;
    private final LongSupplier clock;

    /**
     * @param listeners each gets every {@link RequestEnd} exactly once, on the thread that ended the request
     * @param clock in nanoseconds, as {@link System#nanoTime}
     */
    public RequestFilter(
            ClientIdentity clients,
            FailureHandler failures,
            Drain drain,
            List<Consumer<RequestEnd>> listeners,
            Supplier<String> uniqueIds,
            LongSupplier clock) {
        this.clients = clients;
        this.failures = failures;
        this.drain = drain;
        this.listeners = List.copyOf(listeners);
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
        String id = id(request.getHeaders().getFirst(FailureResponse.REQUEST_ID));
        exchange.getResponse().getHeaders().set(FailureResponse.REQUEST_ID, id);
        RequestRecord record = new RequestRecord(id, clients.of(request), clock);
        record.putInto(exchange);
        return Mono.defer(() -> {
                    drain.begin(request);
                    return chain.filter(exchange);
                })
                .onErrorResume(
                        fault -> isClientGone(fault) ? awaitClose(exchange, fault) : failures.handle(exchange, fault))
                .doFinally(signal -> {
                    drain.end(request);
                    end(exchange, record, signal);
                });
    }

    /** True if the client's connection broke. A broken connection to the model server is an {@link LlmException}. */
    private static boolean isClientGone(Throwable fault) {
        return !(fault instanceof LlmException) && DisconnectedClientHelper.isClientDisconnectedException(fault);
    }

    /**
     * Waits for the closing connection to cancel this Mono. If no cancel comes, the fault had another cause: it is
     * handled like any other.
     */
    private Mono<Void> awaitClose(ServerWebExchange exchange, Throwable fault) {
        return Mono.delay(CLOSE_TIMEOUT).then(Mono.defer(() -> failures.handle(exchange, fault)));
    }

    private String id(@Nullable String requested) {
        return requested != null && VALID_ID.matcher(requested).matches() ? requested : uniqueIds.get();
    }

    private void end(ServerWebExchange exchange, RequestRecord record, SignalType signal) {
        ServerHttpRequest request = exchange.getRequest();
        FailureResponse failure = FailureResponse.of(exchange);
        RequestEnd end = record.end(
                request.getMethod().name(),
                request.getURI().getRawPath(),
                status(exchange.getResponse()),
                failure == null ? end(request, record, signal) : failure.code(),
                failure == null ? null : failure.detail());
        listeners.forEach(listener -> report(end, listener));
    }

    private static void report(RequestEnd end, Consumer<RequestEnd> listener) {
        try {
            listener.accept(end);
        } catch (RuntimeException e) {
            log.error("A listener failed at the end of request {}.", end.id(), e);
        }
    }

    private static @Nullable Integer status(ServerHttpResponse response) {
        if (!response.isCommitted()) {
            return null;
        }
        HttpStatusCode status = response.getStatusCode();
        return status == null ? HttpStatus.OK.value() : status.value();
    }

    private static String end(ServerHttpRequest request, RequestRecord record, SignalType signal) {
        if (WriteStallHandler.hasStalled(request)) {
            return "client_slow";
        }
        return signal == SignalType.ON_COMPLETE && !record.isIncomplete() ? "done" : "client_gone";
    }
}
