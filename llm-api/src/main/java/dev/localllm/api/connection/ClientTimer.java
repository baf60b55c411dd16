package dev.localllm.api.connection;

import io.netty.util.concurrent.EventExecutor;
import io.netty.util.concurrent.Future;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import reactor.core.publisher.Mono;

/** Timers on the event loop of the client's connection, so that no other thread is woken. */
public final class ClientTimer {

    private ClientTimer() {}

    /**
     * Completes on the event loop when the time since the subscription has passed. Cancelling the Mono cancels the
     * timer.
     */
    public static Mono<Void> after(Duration time, EventExecutor eventLoop) {
        return Mono.create(sink -> {
            Future<?> timer = eventLoop.schedule(() -> sink.success(), time.toNanos(), TimeUnit.NANOSECONDS);
            sink.onDispose(() -> timer.cancel(false));
        });
    }
}
