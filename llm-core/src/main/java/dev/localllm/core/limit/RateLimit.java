package dev.localllm.core.limit;

import java.util.concurrent.TimeUnit;

/**
 * A rate limit: allows at most {@code burst + requestsPerMinute · minutes} requests in any window.
 *
 * @param requestsPerMinute long-term rate
 * @param burst size of the bucket: the maximum of requests at once after a pause
 */
public record RateLimit(int requestsPerMinute, int burst) {

    private static final int MAX = 1_000_000;

    public RateLimit {
        if (requestsPerMinute < 1 || requestsPerMinute > MAX || burst < 1 || burst > MAX) {
            throw new IllegalArgumentException("rate limit: " + requestsPerMinute + " per minute, burst " + burst
                    + " (expected: 1 to " + MAX + ")");
        }
    }

    /** Time that adds one request to a bucket, in ns. Rounded up, so that the rate is never exceeded. */
    long interval() {
        return Math.ceilDiv(TimeUnit.MINUTES.toNanos(1), requestsPerMinute);
    }
}
