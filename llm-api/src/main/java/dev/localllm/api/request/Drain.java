package dev.localllm.api.request;

import java.time.Duration;
import org.springframework.boot.web.server.context.WebServerApplicationContext;
import org.springframework.context.SmartLifecycle;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Sinks;

/**
 * The end of the server as answers see it: they may go on until their time is over, and are then told to end, while
 * the web server waits for them. Thread-safe.
 */
public final class Drain implements SmartLifecycle {

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
