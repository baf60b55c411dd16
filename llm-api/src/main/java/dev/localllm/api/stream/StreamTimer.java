package dev.localllm.api.stream;

import io.netty.util.concurrent.EventExecutor;
import io.netty.util.concurrent.Future;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * The only timer of a stream: fires when the next heartbeat is due or the total timeout has expired. Sending a frame
 * only stores the time. Use it on the event loop of the client's connection only.
 */
final class StreamTimer {

    /** Delay of the first heartbeat. It commits the status 200, and a fast failure should still get its own status. */
    private static final Duration FIRST_HEARTBEAT = Duration.ofSeconds(5);

    /** How often a changed place is looked for. */
    private static final Duration PLACE_INTERVAL = Duration.ofSeconds(1);

    private final EventExecutor eventLoop;
    private final Runnable onWakeUp;
    private final long intervalNanos;
    private final long end;
    private long lastSent;
    private long allowedSilence;
    private @Nullable Future<?> timer;

    /** Starts the timer. */
    StreamTimer(EventExecutor eventLoop, Timeouts timeouts, Runnable onWakeUp) {
        this.eventLoop = eventLoop;
        this.onWakeUp = onWakeUp;
        this.intervalNanos = timeouts.heartbeat().toNanos();
        this.allowedSilence = Math.min(intervalNanos, FIRST_HEARTBEAT.toNanos());
        this.lastSent = now();
        this.end = lastSent + timeouts.streaming().toNanos();
        schedule(false);
    }

    /** Called after a frame was sent: restarts the heartbeat interval. */
    void sent() {
        lastSent = now();
        allowedSilence = intervalNanos;
    }

    boolean isTotalTimeoutExceeded() {
        return now() - end >= 0;
    }

    boolean isHeartbeatDue() {
        return now() - lastSent >= allowedSilence;
    }

    /**
     * Schedules the next call of {@code onWakeUp}.
     *
     * @param waits true while the request has a place to tell
     */
    void schedule(boolean waits) {
        long now = now();
        long untilHeartbeat = lastSent + allowedSilence - now;
        long untilNext = waits ? Math.min(untilHeartbeat, PLACE_INTERVAL.toNanos()) : untilHeartbeat;
        long nanos = Math.max(0, Math.min(end - now, untilNext));
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
