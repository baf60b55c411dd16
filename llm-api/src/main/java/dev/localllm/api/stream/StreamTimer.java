package dev.localllm.api.stream;

import io.netty.util.concurrent.EventExecutor;
import io.netty.util.concurrent.Future;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * The only timer of a stream: it wakes up for the next heartbeat or for the end of the stream's time, whichever comes
 * first. A frame costs no more than a note of the time. For the event loop of the client's connection alone.
 */
final class StreamTimer {

    /** Late enough for what fails at once to have its own status, which the first byte takes away. */
    private static final Duration FIRST_HEARTBEAT = Duration.ofSeconds(5);

    private final EventExecutor eventLoop;
    private final Runnable onWakeUp;
    private final long intervalNanos;
    private final long end;
    private long lastSent;
    private long allowedSilence;
    private @Nullable Future<?> timer;

    /** Starts. */
    StreamTimer(EventExecutor eventLoop, Timeouts timeouts, Runnable onWakeUp) {
        this.eventLoop = eventLoop;
        this.onWakeUp = onWakeUp;
        this.intervalNanos = timeouts.heartbeat().toNanos();
        this.allowedSilence = Math.min(intervalNanos, FIRST_HEARTBEAT.toNanos());
        this.lastSent = now();
        this.end = lastSent + timeouts.streaming().toNanos();
        sleep();
    }

    /** Something was sent: silence begins anew. */
    void sent() {
        lastSent = now();
        allowedSilence = intervalNanos;
    }

    boolean isTimeOver() {
        return now() - end >= 0;
    }

    boolean isHeartbeatDue() {
        return now() - lastSent >= allowedSilence;
    }

    /** Sleeps until there may be something to do. */
    void sleep() {
        long now = now();
        long nanos = Math.max(0, Math.min(end - now, lastSent + allowedSilence - now));
        timer = eventLoop.schedule(onWakeUp, nanos, TimeUnit.NANOSECONDS);
    }

    void cancel() {
        if (timer != null) {
            timer.cancel(false);
        }
    }

    private long now() {
        return eventLoop.ticker().nanoTime();
    }
}
