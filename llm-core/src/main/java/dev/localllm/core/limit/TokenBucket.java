package dev.localllm.core.limit;

/**
 * One client's bucket, stored as the time when it is full again (GCRA: one number, no timer). Immutable. Times are in
 * nanoseconds from an arbitrary origin and compared by difference. A clock that goes back only delays the refill.
 */
record TokenBucket(long fullAt) {

    boolean isFull(long now) {
        return fullAt - now <= 0;
    }

    /** Time until one request can be paid, in ns; 0 if it can be paid now. */
    long untilNext(RateLimit limit, long now) {
        return Math.max(0, missing(now) - (limit.burst() - 1L) * limit.interval());
    }

    /** Number of requests that can be paid now. */
    int tokens(RateLimit limit, long now) {
        long free = limit.burst() * limit.interval() - missing(now);
        return (int) Math.max(0, free / limit.interval());
    }

    /** Time until the bucket is full, in ns. */
    long untilFull(long now) {
        return missing(now);
    }

    TokenBucket minusOne(RateLimit limit, long now) {
        return new TokenBucket((isFull(now) ? now : fullAt) + limit.interval());
    }

    TokenBucket plusOne(RateLimit limit) {
        return new TokenBucket(fullAt - limit.interval());
    }

    private long missing(long now) {
        return Math.max(0, fullAt - now);
    }
}
