package dev.localllm.core.limit;

import java.time.Duration;

/**
 * Whether a request is let through, and how its client stands afterwards.
 *
 * @param limit requests that the client may make at once at best
 * @param remaining requests that the client may make at once now
 * @param resetAfter until {@code remaining} is {@code limit} again
 * @param retryAfter until a request like this one will be let through; zero for one that was
 */
public record RateDecision(boolean allowed, int limit, int remaining, Duration resetAfter, Duration retryAfter) {}
