package dev.localllm.api.connection;

import io.netty.util.concurrent.EventExecutor;
import io.netty.util.concurrent.Future;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import reactor.core.publisher.Mono;

/** Timers for what one connection waits for, on its own event loop: no other thread is woken up for them. */
public final class ClientTimer {

    private ClientTimer() {}

    /** Completes when the time has passed since the subscription. Cancelling it cancels the timer. */
    public static Mono<Void> after(Duration time, EventExecutor eventLoop) {
        return Mono.create(sink -> {
            Future<?> timer = eventLoop.schedule(() -> sink.success(), time.toNanos(), TimeUnit.NANOSECONDS);
            sink.onDispose(() -> timer.cancel(false));
        });
    }
}
