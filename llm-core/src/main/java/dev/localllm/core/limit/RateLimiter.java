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
 * Charges clients for their requests. Thread-safe; never blocks.
 *
 * <p>Full buckets are dropped, because a new bucket is full, too. If {@code maxClients} buckets are in use, further
 * clients share one bucket. A client that gets its own bucket later starts with the level of the shared one, so that
 * nobody gains a full bucket by using many names.
 */
public final class RateLimiter {

    private static final long SWEEP_INTERVAL = TimeUnit.SECONDS.toNanos(1);

    private final RateLimit perClient;
    private final @Nullable RateLimit global;
    private final int maxClients;
    private final LongSupplier clock;
    private final ConcurrentMap<ClientId, TokenBucket> buckets = new ConcurrentHashMap<>();
    private final AtomicReference<TokenBucket> sharedBucket;
    private final AtomicReference<TokenBucket> globalBucket;
    private final AtomicLong nextSweep;

    /**
     * @param global limit of all clients together; null for none
     * @param maxClients maximum of clients with a bucket of their own
     * @param clock in nanoseconds, as {@link System#nanoTime}
     */
    public RateLimiter(RateLimit perClient, @Nullable RateLimit global, int maxClients, LongSupplier clock) {
        this.perClient = perClient;
        this.global = global;
        this.maxClients = maxClients;
        this.clock = clock;
        long now = clock.getAsLong();
        this.sharedBucket = new AtomicReference<>(new TokenBucket(now));
        this.globalBucket = new AtomicReference<>(new TokenBucket(now));
        this.nextSweep = new AtomicLong(now);
    }

    /** Charges the client for one request. A refused request costs nothing. */
    public RateDecision charge(ClientId client) {
        long now = clock.getAsLong();
        Payment own = hasRoomFor(client, now) ? payOwn(client, now) : pay(sharedBucket, perClient, now);
        if (own.waitTime == 0 && global != null) {
            Payment all = pay(globalBucket, global, now);
            if (all.waitTime > 0) {
                undo(client);
                return decision(new Payment(own.bucket.plusOne(perClient), all.waitTime), now);
            }
        }
        return decision(own, now);
    }

    /** Refunds one request to the client, up to a full bucket. A client that uses the shared bucket gets no refund. */
    public RateDecision refund(ClientId client) {
        long now = clock.getAsLong();
        buckets.computeIfPresent(client, (id, bucket) -> bucket.plusOne(perClient));
        if (global != null) {
            globalBucket.updateAndGet(bucket -> bucket.plusOne(global));
        }
        return decision(new Payment(buckets.getOrDefault(client, sharedBucket.get()), 0), now);
    }

    /** Number of clients with a bucket of their own. */
    int clients() {
        return buckets.size();
    }

    /** @param waitTime until the request can be paid, in ns; 0 if it was paid */
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
            Payment payment = pay(before == null ? sharedBucket.get() : before, perClient, now);
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

    private void undo(ClientId client) {
        if (buckets.computeIfPresent(client, (id, bucket) -> bucket.plusOne(perClient)) == null) {
            sharedBucket.updateAndGet(bucket -> bucket.plusOne(perClient));
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
