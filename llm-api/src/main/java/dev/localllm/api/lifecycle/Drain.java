package dev.localllm.api.lifecycle;

import dev.localllm.api.connection.ClientChannel;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.springframework.boot.web.server.context.WebServerApplicationContext;
import org.springframework.context.SmartLifecycle;
import org.springframework.http.server.reactive.ServerHttpRequest;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Sinks;

/**
 * Graceful shutdown: running answers may finish until the shutdown timeout; then they get an error frame. Meanwhile the
 * web server waits for them. Thread-safe.
 */
public final class Drain implements SmartLifecycle {

    /** Time after the shutdown timeout, for sending error frames and closing connections. */
    public static final Duration CLOSE_TIMEOUT = Duration.ofSeconds(5);

    /** Time for a client to receive its error frame; then its connection is closed, as it doesn't read. */
    private static final Duration ERROR_FRAME_TIMEOUT = Duration.ofSeconds(2);

    private final Sinks.Empty<Void> expired = Sinks.empty();
    private final Set<ServerHttpRequest> requests = ConcurrentHashMap.newKeySet();
    private final Duration timeout;
    private volatile boolean closing;
    private volatile boolean running;

    /** @param timeout how long running answers may continue after the stop signal */
    public Drain(Duration timeout) {
        this.timeout = timeout;
    }

    /** Completes when the timeout has expired: running answers must end now. */
    public Mono<Void> expired() {
        return expired.asMono();
    }

    /** Called when a request begins. */
    public void begin(ServerHttpRequest request) {
        requests.add(request);
        if (closing) {
            close(request);
        }
    }

    /** Called when a request has ended in any way. */
    public void end(ServerHttpRequest request) {
        requests.remove(request);
    }

    @SuppressWarnings("FutureReturnValueIgnored") // nothing follows the close
    private static void close(ServerHttpRequest request) {
        ClientChannel.of(request).close();
    }

    @Override
    public void start() {
        running = true;
    }

    @Override
    public void stop() {
        running = false;
        Mono.delay(timeout)
                .doOnNext(tick -> expired.tryEmitEmpty())
                .then(Mono.delay(ERROR_FRAME_TIMEOUT))
                .subscribe(tick -> closeAll());
    }

    private void closeAll() {
        closing = true; // before the loop: a request that it misses is closed when it begins
        requests.forEach(Drain::close);
    }

    @Override
    public boolean isRunning() {
        return running;
    }

    /** Stops just before the web server begins to wait for running requests. */
    @Override
    public int getPhase() {
        return WebServerApplicationContext.GRACEFUL_SHUTDOWN_PHASE + 1;
    }
}
