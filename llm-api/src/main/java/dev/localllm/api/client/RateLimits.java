package dev.localllm.api.client;

import dev.localllm.core.failure.LlmException;
import dev.localllm.core.failure.LlmFailure.RateLimited;
import dev.localllm.core.limit.ClientId;
import dev.localllm.core.limit.RateDecision;
import dev.localllm.core.limit.RateLimiter;
import java.time.Duration;
import org.jspecify.annotations.Nullable;
import org.springframework.http.HttpHeaders;

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

    /** Charges the client for a request and says in the headers how it stands; fails with {@link RateLimited}. */
    public void charge(ClientId client, HttpHeaders answer) {
        if (limiter == null) {
            return;
        }
        RateDecision decision = limiter.charge(client);
        answer.set(LIMIT, Integer.toString(decision.limit()));
        answer.set(REMAINING, Integer.toString(decision.remaining()));
        answer.set(RESET, goDuration(decision.resetAfter()));
        if (!decision.allowed()) {
            throw new LlmException(new RateLimited(decision.retryAfter()));
        }
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
