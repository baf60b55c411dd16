package dev.localllm.api.client;

import dev.localllm.core.failure.LlmException;
import dev.localllm.core.failure.LlmFailure;
import dev.localllm.core.failure.LlmFailure.Overloaded;
import dev.localllm.core.failure.LlmFailure.RateLimited;
import dev.localllm.core.failure.LlmFailure.ShuttingDown;
import dev.localllm.core.failure.LlmFailure.UpstreamUnavailable;
import dev.localllm.core.limit.ClientId;
import dev.localllm.core.limit.RateDecision;
import dev.localllm.core.limit.RateLimiter;
import java.time.Duration;
import org.jspecify.annotations.Nullable;
import org.springframework.http.HttpHeaders;
import reactor.core.publisher.Mono;

/** The rate limit as HTTP tells it, in OpenAI's headers. Thread-safe. */
public final class RateLimits {

    public static final String LIMIT = "x-ratelimit-limit-requests";
    public static final String REMAINING = "x-ratelimit-remaining-requests";
    public static final String RESET = "x-ratelimit-reset-requests";

    private final @Nullable RateLimiter limiter;

    /** @param limiter null for no limit */
    public RateLimits(@Nullable RateLimiter limiter) {
        this.limiter = limiter;
    }

    /**
     * Charges the client, then serves the request. A request that gets a 503 before its first byte costs nothing,
     * unless it is marked as charged; one that is refused for what it asks costs as much as any other.
     *
     * @param response headers of the response, which tell how the client stands
     * @return fails with {@link RateLimited} when the client may not ask now
     */
    public Mono<Void> charged(ClientId client, HttpHeaders response, Mono<Void> request) {
        if (limiter == null) {
            return request;
        }
        return Mono.defer(() -> {
            RateDecision decision = limiter.charge(client);
            write(decision, response);
            return decision.allowed()
                    ? request.doOnError(LlmException.class, e -> refund(e.failure(), client, response))
                    : Mono.error(new LlmException(new RateLimited(decision.retryAfter())));
        });
    }

    private void refund(LlmFailure failure, ClientId client, HttpHeaders response) {
        boolean unavailable = (failure instanceof Overloaded overloaded && !overloaded.charged())
                || failure instanceof UpstreamUnavailable
                || failure instanceof ShuttingDown;
        if (unavailable && limiter != null) {
            write(limiter.refund(client), response);
        }
    }

    private static void write(RateDecision decision, HttpHeaders response) {
        response.set(LIMIT, Integer.toString(decision.limit()));
        response.set(REMAINING, Integer.toString(decision.remaining()));
        response.set(RESET, goDuration(decision.resetAfter()));
    }

    /** As OpenAI writes it: {@code 12ms}, {@code 1.5s}, {@code 6m0s}. Rounded up to milliseconds. */
    static String goDuration(Duration duration) {
        long millis = Math.ceilDiv(duration.toNanos(), 1_000_000L);
        if (millis < 1000) {
            return millis + "ms";
        }
        long minutes = millis / 60_000;
        long rest = millis % 60_000;
        String fraction = rest % 1000 == 0
                ? ""
                : ("." + (1000 + rest % 1000)).replace(".1", ".").replaceAll("0+$", "");
        return (minutes > 0 ? minutes + "m" : "") + rest / 1000 + fraction + "s";
    }
}
