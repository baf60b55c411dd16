package dev.localllm.api.lifecycle;

import dev.localllm.api.connection.ClientChannel;
import java.time.Duration;
import org.springframework.boot.web.server.context.WebServerApplicationContext;
import org.springframework.context.SmartLifecycle;
import org.springframework.http.server.reactive.ServerHttpRequest;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Sinks;

/**
 * The end of the server as answers see it: they may go on until their time is over, and are then told to end, while
 * the web server waits for them. Thread-safe.
 */
public final class Drain implements SmartLifecycle {

    /** From the end of the answers' time to the end of the server: for error frames, and for closing connections. */
    public static final Duration LAST_WORDS = Duration.ofSeconds(5);

    /** A client that has not taken its error frame by then never will. */
    private static final Duration CUT_OFF = Duration.ofSeconds(2);

    private final Sinks.Empty<Void> over = Sinks.empty();
    private final Duration patience;
    private volatile boolean running;

    /** @param patience how long answers may go on after the server was told to stop */
    public Drain(Duration patience) {
        this.patience = patience;
    }

    /** Completes when answers that are still under way must end. */
    public Mono<Void> over() {
        return over.asMono();
    }

    /** Closes the connection of a client who doesn't take even the last word; never completes. */
    public Mono<Void> cutOff(ServerHttpRequest request) {
        return over().then(Mono.delay(CUT_OFF))
                .then(Mono.<Void>fromRunnable(() -> close(request)))
                .then(Mono.never());
    }

    @SuppressWarnings("FutureReturnValueIgnored") // closing is the end
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
        Mono.delay(patience).subscribe(tick -> over.tryEmitEmpty());
    }

    @Override
    public boolean isRunning() {
        return running;
    }

    /** Just before the web server begins to wait. */
    @Override
    public int getPhase() {
        return WebServerApplicationContext.GRACEFUL_SHUTDOWN_PHASE + 1;
    }
}
