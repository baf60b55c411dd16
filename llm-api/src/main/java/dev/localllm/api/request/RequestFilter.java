package dev.localllm.api.request;

import dev.localllm.api.client.ClientIdentity;
import dev.localllm.api.failure.FailureHandler;
import dev.localllm.api.failure.FailureResponse;
import dev.localllm.core.failure.LlmException;
import java.time.Duration;
import java.util.Set;
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
import org.springframework.web.util.DisconnectedClientHelper;
import reactor.core.publisher.Mono;
import reactor.core.publisher.SignalType;

/**
 * The outermost filter: gives every request its id, answers its failure, and writes one line of log when it is over.
 * Thread-safe.
 */
public final class RequestFilter implements WebFilter, Ordered {

    private static final Logger log = LoggerFactory.getLogger(RequestFilter.class);
    private static final Set<String> PROBES = Set.of("/health", "/health/ready");
    /** A server under heavy load may need this long to close a connection that the client has reset. */
    private static final Duration CLOSE_TIMEOUT = Duration.ofSeconds(5);

    private static final Pattern SANE_ID = Pattern.compile("[A-Za-z0-9._:-]{1,128}");

    private final ClientIdentity clients;
    private final FailureHandler failures;
    private final Drain drain;
    private final ClientHash hash;
    private final Supplier<String> uniqueIds;
    private final LongSupplier clock;

    /** @param clock in nanoseconds, as {@link System#nanoTime} */
    public RequestFilter(
            ClientIdentity clients,
            FailureHandler failures,
            Drain drain,
            ClientHash hash,
            Supplier<String> uniqueIds,
            LongSupplier clock) {
        this.clients = clients;
        this.failures = failures;
        this.drain = drain;
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
        String id = id(request.getHeaders().getFirst(FailureResponse.REQUEST_ID));
        exchange.getResponse().getHeaders().set(FailureResponse.REQUEST_ID, id);
        RequestRecord record = new RequestRecord(id, clients.of(request), clock);
        record.putInto(exchange);
        Mono<Void> answered = chain.filter(exchange)
                .onErrorResume(RequestFilter::callerGone, RequestFilter::awaitClose)
                .onErrorResume(fault -> failures.handle(exchange, fault));
        return Mono.firstWithSignal(answered, drain.cutOff(request)).doFinally(signal -> log(exchange, record, signal));
    }

    /** An Ollama that tells of a broken connection of its own is another matter. */
    private static boolean callerGone(Throwable fault) {
        return !(fault instanceof LlmException) && DisconnectedClientHelper.isClientDisconnectedException(fault);
    }

    /**
     * The connection is being closed, which cancels this. If it is not, the fault only looked like that: it is handled
     * as any other.
     */
    private static Mono<Void> awaitClose(Throwable fault) {
        return Mono.delay(CLOSE_TIMEOUT).then(Mono.error(fault));
    }

    private String id(@Nullable String callers) {
        return callers != null && SANE_ID.matcher(callers).matches() ? callers : uniqueIds.get();
    }

    private void log(ServerWebExchange exchange, RequestRecord record, SignalType signal) {
        boolean probe = PROBES.contains(exchange.getRequest().getPath().value());
        if (probe ? log.isDebugEnabled() : log.isInfoEnabled()) {
            HttpStatusCode status = exchange.getResponse().getStatusCode();
            String line = record.line(
                    what(exchange.getRequest()),
                    hash.of(record.client()),
                    exchange.getResponse().isCommitted() ? (status == null ? 200 : status.value()) : null,
                    end(exchange, record, signal),
                    detail(exchange));
            if (probe) {
                log.debug("{}", line);
            } else {
                log.info("{}", line);
            }
        }
    }

    /** Not more than fits in a line. */
    private static String what(ServerHttpRequest request) {
        String what = request.getMethod() + " " + request.getURI().getRawPath();
        return what.length() > 128 ? what.substring(0, 128) + "…" : what;
    }

    private static @Nullable String detail(ServerWebExchange exchange) {
        FailureResponse failure = FailureResponse.of(exchange);
        return failure == null ? null : failure.detail();
    }

    private static String end(ServerWebExchange exchange, RequestRecord record, SignalType signal) {
        FailureResponse failure = FailureResponse.of(exchange);
        if (failure != null) {
            return failure.code().equals(FailureResponse.INVALID_REQUEST) ? "invalid_request_error" : failure.code();
        }
        if (WriteStallHandler.stalled(exchange.getRequest())) {
            return "client_slow";
        }
        return signal == SignalType.ON_COMPLETE && !record.cutOff() ? "done" : "client_gone";
    }
}
