package dev.localllm.core.limit;

import java.time.Duration;

/**
 * The rate limiter's decision about one request, and the state of the client's bucket after it.
 *
 * @param limit requests that the client may send at once when its bucket is full
 * @param remaining requests that the client may send at once now
 * @param resetAfter time until {@code remaining} equals {@code limit} again
 * @param retryAfter time until a retry is allowed; zero if this request was allowed
 */
public record RateDecision(boolean allowed, int limit, int remaining, Duration resetAfter, Duration retryAfter) {}
