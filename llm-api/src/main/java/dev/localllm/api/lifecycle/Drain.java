package dev.localllm.api.lifecycle;

import dev.localllm.api.connection.AbortSignal;
import dev.localllm.api.connection.ClientChannel;
import dev.localllm.core.failure.LlmException;
import dev.localllm.core.failure.LlmFailure.ShuttingDown;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.boot.web.server.context.WebServerApplicationContext;
import org.springframework.context.SmartLifecycle;
import org.springframework.http.server.reactive.ServerHttpRequest;
import reactor.core.Disposable;
import reactor.core.publisher.Mono;

/**
 * Graceful shutdown: running answers may finish until the shutdown timeout; then they get an error frame. Meanwhile the
 * web server waits for them. Thread-safe.
 */
public final class Drain implements SmartLifecycle {

    private static final Logger log = LoggerFactory.getLogger(Drain.class);

    /** Time after the shutdown timeout, for sending error frames and closing connections. */
    public static final Duration CLOSE_TIMEOUT = Duration.ofSeconds(5);

    /** Time for a client to receive its error frame; then its connection is closed, as it doesn't read. */
    private static final Duration ERROR_FRAME_TIMEOUT = Duration.ofSeconds(2);

    private final Set<Consumer<Throwable>> running = ConcurrentHashMap.newKeySet();
    private final Set<ServerHttpRequest> requests = ConcurrentHashMap.newKeySet();
    private final Duration timeout;
    private final Runnable onStop;
    private volatile boolean expired;
    private volatile boolean closing;
    private volatile boolean started;

    /**
     * @param timeout how long running answers may continue after the stop signal
     * @param onStop called at the stop signal
     */
    public Drain(Duration timeout, Runnable onStop) {
        this.timeout = timeout;
        this.onStop = onStop;
    }

    /** As {@link AbortSignal}, with {@link ShuttingDown}, when the timeout has expired: running answers must end now. */
    public Disposable onExpired(Consumer<Throwable> answer) {
        running.add(answer);
        if (expired) {
            abort(answer);
        }
        return () -> running.remove(answer);
    }

    private static void abort(Consumer<Throwable> answer) {
        try {
            answer.accept(new LlmException(new ShuttingDown()));
        } catch (RuntimeException e) { // the others must end, too
            log.error("An answer could not be ended.", e);
        }
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
        started = true;
    }

    @Override
    public void stop() {
        started = false;
        onStop.run();
        Mono.delay(timeout)
                .doOnNext(tick -> abortAll())
                .then(Mono.delay(ERROR_FRAME_TIMEOUT))
                .subscribe(tick -> closeAll());
    }

    private void abortAll() {
        expired = true; // before the loop: an answer that it misses is aborted when it begins
        running.forEach(Drain::abort);
    }

    private void closeAll() {
        closing = true; // before the loop: a request that it misses is closed when it begins
        requests.forEach(Drain::close);
    }

    @Override
    public boolean isRunning() {
        return started;
    }

    /** Stops just before the web server begins to wait for running requests. */
    @Override
    public int getPhase() {
        return WebServerApplicationContext.GRACEFUL_SHUTDOWN_PHASE + 1;
    }
}
