package dev.localllm.api.openai;

import dev.localllm.core.limit.RateDecision;
import java.time.Duration;
import org.springframework.http.HttpHeaders;

/** Writes the rate limit into OpenAI's headers. */
public final class RateLimitHeaders {

    static final String LIMIT = "x-ratelimit-limit-requests";
    static final String REMAINING = "x-ratelimit-remaining-requests";
    static final String RESET = "x-ratelimit-reset-requests";

    private RateLimitHeaders() {}

    /** Sets the headers; replaces earlier values. */
    public static void write(RateDecision decision, HttpHeaders response) {
        response.set(LIMIT, Integer.toString(decision.limit()));
        response.set(REMAINING, Integer.toString(decision.remaining()));
        response.set(RESET, goDuration(decision.resetAfter()));
    }

    /** Formats as OpenAI does: {@code 12ms}, {@code 1.5s}, {@code 6m0s}. Rounded up to milliseconds. */
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
