package dev.localllm.core.limit;

import java.util.concurrent.TimeUnit;

/**
 * How many requests are let through: never more than {@code burst + requestsPerMinute · minutes} in any window.
 *
 * @param requestsPerMinute in the long run
 * @param burst at once, after a silence that was long enough
 */
public record RateLimit(int requestsPerMinute, int burst) {

    private static final int MAX = 1_000_000;

    public RateLimit {
        if (requestsPerMinute < 1 || requestsPerMinute > MAX || burst < 1 || burst > MAX) {
            throw new IllegalArgumentException("rate limit: " + requestsPerMinute + " per minute, burst " + burst
                    + " (expected: 1 to " + MAX + ")");
        }
    }

    /** Time in which one request is earned, in ns; rounded up, as more must never be let through. */
    long interval() {
        return Math.ceilDiv(TimeUnit.MINUTES.toNanos(1), requestsPerMinute);
    }
}
