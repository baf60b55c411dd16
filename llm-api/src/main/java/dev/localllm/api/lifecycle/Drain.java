package dev.localllm.api.lifecycle;

import dev.localllm.api.connection.ClientChannel;
import java.time.Duration;
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

    /** Time for a client to receive its error frame; then its connection is closed. */
    private static final Duration ERROR_FRAME_TIMEOUT = Duration.ofSeconds(2);

    private final Sinks.Empty<Void> expired = Sinks.empty();
    private final Duration timeout;
    private volatile boolean running;

    /** @param timeout how long running answers may continue after the stop signal */
    public Drain(Duration timeout) {
        this.timeout = timeout;
    }

    /** Completes when the timeout has expired: running answers must end now. */
    public Mono<Void> expired() {
        return expired.asMono();
    }

    /** Closes the connection of a client that doesn't receive its error frame in time. Never completes. */
    public Mono<Void> closeIfStalled(ServerHttpRequest request) {
        return expired()
                .then(Mono.delay(ERROR_FRAME_TIMEOUT))
                .then(Mono.<Void>fromRunnable(() -> close(request)))
                .then(Mono.never());
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
        Mono.delay(timeout).subscribe(tick -> expired.tryEmitEmpty());
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
