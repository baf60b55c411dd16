package dev.localllm.core.access;

import dev.localllm.core.failure.LlmException;
import dev.localllm.core.failure.LlmFailure.RateLimited;
import dev.localllm.core.limit.ClientId;
import dev.localllm.core.limit.RateDecision;
import dev.localllm.core.limit.RateLimiter;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;

/** Charges clients for their requests. Thread-safe. */
public final class Charging {

    private final @Nullable RateLimiter rateLimiter;

    /** @param rateLimiter null for no limit */
    public Charging(@Nullable RateLimiter rateLimiter) {
        this.rateLimiter = rateLimiter;
    }

    /**
     * Charges the client, then serves its request. The charge is refunded if the request fails before its response has
     * started and {@link dev.localllm.core.failure.LlmFailure#isRefunded} is true, which means a lack of capacity. A
     * request that is refused for its content is charged.
     *
     * @param onDecision called with the rate limiter's decision when the client is charged, and again after a refund;
     *     never called without a rate limit
     * @param request called after the charge
     * @return fails with {@link RateLimited} if the rate limit is exceeded, and if the request fails
     */
    public Mono<Void> charge(ClientId client, Consumer<RateDecision> onDecision, Supplier<Mono<Void>> request) {
        if (rateLimiter == null) {
            return Mono.defer(request);
        }
        return Mono.defer(() -> {
            RateDecision decision = rateLimiter.charge(client);
            onDecision.accept(decision);
            return decision.allowed()
                    ? request.get().doOnError(LlmException.class, e -> {
                        if (e.failure().isRefunded()) {
                            onDecision.accept(rateLimiter.refund(client));
                        }
                    })
                    : Mono.error(new LlmException(new RateLimited(decision.retryAfter())));
        });
    }
}
