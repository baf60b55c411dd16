package dev.localllm.core.limit;

/**
 * One client's bucket, written down as the moment at which it is full again (GCRA: one number, no timer). Immutable.
 * Times are nanoseconds of a clock with an arbitrary origin, compared by their difference. A clock that goes back
 * only delays.
 */
record TokenBucket(long fullAt) {

    boolean isFull(long now) {
        return fullAt - now <= 0;
    }

    /** How long until a request can be paid, in ns; 0 if it can be now. */
    long untilNext(RateLimit limit, long now) {
        return Math.max(0, missing(now) - (limit.burst() - 1L) * limit.interval());
    }

    /** How many requests could be paid now. */
    int tokens(RateLimit limit, long now) {
        long free = limit.burst() * limit.interval() - missing(now);
        return (int) Math.max(0, free / limit.interval());
    }

    /** How long until it is full, in ns. */
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
