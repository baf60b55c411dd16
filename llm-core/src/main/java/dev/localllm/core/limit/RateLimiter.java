package dev.localllm.core.limit;

import java.time.Duration;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Charges clients for their requests. Thread-safe; never waits.
 *
 * <p>Only buckets that are not full are worth remembering, as a full one is like a new one. When there are more of
 * those than {@code maxClients}, further clients share one bucket, and whoever gets one of his own later starts with
 * what is left in the shared one: nobody gains a fresh bucket by using many names.
 */
public final class RateLimiter {

    private static final long SWEEP_INTERVAL = TimeUnit.SECONDS.toNanos(1);

    private final RateLimit perClient;
    private final @Nullable RateLimit overall;
    private final int maxClients;
    private final LongSupplier clock;
    private final ConcurrentMap<ClientId, TokenBucket> buckets = new ConcurrentHashMap<>();
    private final AtomicReference<TokenBucket> shared;
    private final AtomicReference<TokenBucket> everybody;
    private final AtomicLong nextSweep;

    /**
     * @param overall limit of all clients together; null for none
     * @param maxClients how many clients are remembered at once
     * @param clock in nanoseconds, as {@link System#nanoTime}
     */
    public RateLimiter(RateLimit perClient, @Nullable RateLimit overall, int maxClients, LongSupplier clock) {
        this.perClient = perClient;
        this.overall = overall;
        this.maxClients = maxClients;
        this.clock = clock;
        long now = clock.getAsLong();
        this.shared = new AtomicReference<>(new TokenBucket(now));
        this.everybody = new AtomicReference<>(new TokenBucket(now));
        this.nextSweep = new AtomicLong(now);
    }

    /** Charges the client for one request, unless it is refused: that costs nothing. */
    public RateDecision charge(ClientId client) {
        long now = clock.getAsLong();
        Payment own = hasRoomFor(client, now) ? payOwn(client, now) : pay(shared, perClient, now);
        if (own.waitTime == 0 && overall != null) {
            Payment all = pay(everybody, overall, now);
            if (all.waitTime > 0) {
                giveBack(client);
                return decision(new Payment(own.bucket.plusOne(perClient), all.waitTime), now);
            }
        }
        return decision(own, now);
    }

    /**
     * Gives back one request that the client was charged for; never more than a full bucket. A client that shares its
     * bucket with others gets nothing back.
     */
    public RateDecision refund(ClientId client) {
        long now = clock.getAsLong();
        buckets.computeIfPresent(client, (id, bucket) -> bucket.plusOne(perClient));
        if (overall != null) {
            everybody.updateAndGet(bucket -> bucket.plusOne(overall));
        }
        return decision(new Payment(buckets.getOrDefault(client, shared.get()), 0), now);
    }

    /** How many clients are remembered. */
    int clients() {
        return buckets.size();
    }

    /** @param waitTime until it can be paid in ns; 0 means that it was */
    private record Payment(TokenBucket bucket, long waitTime) {}

    private static Payment pay(TokenBucket bucket, RateLimit limit, long now) {
        long waitTime = bucket.untilNext(limit, now);
        return new Payment(waitTime == 0 ? bucket.minusOne(limit, now) : bucket, waitTime);
    }

    private static Payment pay(AtomicReference<TokenBucket> bucket, RateLimit limit, long now) {
        while (true) {
            TokenBucket before = bucket.get();
            Payment payment = pay(before, limit, now);
            if (payment.waitTime > 0 || bucket.compareAndSet(before, payment.bucket)) {
                return payment;
            }
        }
    }

    private Payment payOwn(ClientId client, long now) {
        while (true) {
            TokenBucket before = buckets.get(client);
            Payment payment = pay(before == null ? shared.get() : before, perClient, now);
            if (payment.waitTime > 0) {
                return payment;
            }
            if (before == null
                    ? buckets.putIfAbsent(client, payment.bucket) == null
                    : buckets.replace(client, before, payment.bucket)) {
                return payment;
            }
        }
    }

    private void giveBack(ClientId client) {
        if (buckets.computeIfPresent(client, (id, bucket) -> bucket.plusOne(perClient)) == null) {
            shared.updateAndGet(bucket -> bucket.plusOne(perClient));
        }
    }

    private boolean hasRoomFor(ClientId client, long now) {
        if (buckets.size() < maxClients || buckets.containsKey(client)) {
            return true;
        }
        long due = nextSweep.get();
        if (now - due >= 0 && nextSweep.compareAndSet(due, now + SWEEP_INTERVAL)) {
            buckets.forEach((id, bucket) -> {
                if (bucket.isFull(now)) {
                    buckets.remove(id, bucket);
                }
            });
        }
        return buckets.size() < maxClients;
    }

    private RateDecision decision(Payment payment, long now) {
        return new RateDecision(
                payment.waitTime == 0,
                perClient.burst(),
                payment.bucket.tokens(perClient, now),
                Duration.ofNanos(payment.bucket.untilFull(now)),
                Duration.ofNanos(payment.waitTime));
    }
}
