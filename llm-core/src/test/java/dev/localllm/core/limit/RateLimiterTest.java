package dev.localllm.core.limit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class RateLimiterTest {

    private static final ClientId ANN = new ClientId("ann");
    private static final ClientId BOB = new ClientId("bob");
    private static final long SECOND = 1_000_000_000L;
    private static final long MINUTE = 60 * SECOND;

    private final AtomicLong clock = new AtomicLong(Long.MAX_VALUE - 10 * MINUTE); // nanoTime may overflow
    private final long seed = Long.getLong("seed", System.nanoTime());
    private final Random random = new Random(seed);

    @BeforeEach
    void printTheSeed() {
        System.out.println("RateLimiterTest: -Dseed=" + seed);
    }

    @Test
    void allowsTheBurstAndThenTheRate() {
        RateLimiter limiter = limiter(new RateLimit(60, 3), null, 10);

        assertThat(limiter.charge(ANN)).isEqualTo(new RateDecision(true, 3, 2, Duration.ofSeconds(1), Duration.ZERO));
        assertThat(limiter.charge(ANN)).isEqualTo(new RateDecision(true, 3, 1, Duration.ofSeconds(2), Duration.ZERO));
        assertThat(limiter.charge(ANN)).isEqualTo(new RateDecision(true, 3, 0, Duration.ofSeconds(3), Duration.ZERO));
        assertThat(limiter.charge(ANN))
                .isEqualTo(new RateDecision(false, 3, 0, Duration.ofSeconds(3), Duration.ofSeconds(1)));
        clock.addAndGet(SECOND - 1);
        assertThat(limiter.charge(ANN).allowed()).isFalse();
        clock.addAndGet(1);
        assertThat(limiter.charge(ANN).allowed()).isTrue();
        assertThat(limiter.charge(ANN).allowed()).isFalse();
    }

    @Test
    void allowsARequestAfterItsRetryAfter() {
        RateLimiter limiter = limiter(new RateLimit(7, 2), null, 10);
        for (int i = 0; i < 1000; i++) {
            RateDecision decision = limiter.charge(ANN);
            if (!decision.allowed()) {
                clock.addAndGet(decision.retryAfter().toNanos());
                assertThat(limiter.charge(ANN).allowed()).isTrue();
            }
        }
    }

    @Test
    void chargesEachClientSeparately() {
        RateLimiter limiter = limiter(new RateLimit(60, 1), null, 10);

        assertThat(limiter.charge(ANN).allowed()).isTrue();
        assertThat(limiter.charge(ANN).allowed()).isFalse();
        assertThat(limiter.charge(BOB).allowed()).isTrue();
    }

    @Test
    void refundsARequestThatTheGlobalLimitRefuses() {
        RateLimiter limiter = limiter(new RateLimit(60, 5), new RateLimit(60, 1), 10);

        assertThat(limiter.charge(ANN).remaining()).isEqualTo(4);
        RateDecision refused = limiter.charge(BOB);

        assertThat(refused).isEqualTo(new RateDecision(false, 5, 5, Duration.ZERO, Duration.ofSeconds(1)));
        clock.addAndGet(SECOND);
        assertThat(limiter.charge(BOB).remaining()).isEqualTo(4);
    }

    @Test
    void refundsUpToAFullBucket() {
        RateLimiter limiter = limiter(new RateLimit(60, 3), new RateLimit(60, 4), 10);
        limiter.charge(ANN);
        limiter.charge(ANN);

        assertThat(limiter.refund(ANN)).isEqualTo(new RateDecision(true, 3, 2, Duration.ofSeconds(1), Duration.ZERO));
        assertThat(limiter.refund(ANN)).isEqualTo(new RateDecision(true, 3, 3, Duration.ZERO, Duration.ZERO));
        assertThat(limiter.refund(ANN)).isEqualTo(new RateDecision(true, 3, 3, Duration.ZERO, Duration.ZERO));

        for (int i = 0; i < 3; i++) {
            assertThat(limiter.charge(ANN).allowed()).isTrue();
        }
        assertThat(limiter.charge(ANN).allowed()).as("the fourth at once").isFalse();
    }

    @Test
    void refundsTheGlobalLimit() {
        RateLimiter limiter = limiter(new RateLimit(60, 3), new RateLimit(60, 1), 10);
        limiter.charge(ANN);

        limiter.refund(ANN);

        assertThat(limiter.charge(BOB).allowed()).isTrue();
    }

    @Test
    void refundsNothingToAClientOfTheSharedBucket() {
        RateLimiter limiter = limiter(new RateLimit(60, 2), null, 1);
        limiter.charge(BOB);
        limiter.charge(ANN);

        assertThat(limiter.refund(ANN).remaining()).isEqualTo(1);
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2})
    void chargesNothingIfTheGlobalLimitRefuses(int maxClients) {
        RateLimiter limiter = limiter(new RateLimit(1, 2), new RateLimit(60, 1), maxClients);
        limiter.charge(BOB);

        assertThat(limiter.charge(ANN).allowed()).isFalse();
        clock.addAndGet(SECOND);

        assertThat(limiter.charge(ANN))
                .extracting(RateDecision::allowed, RateDecision::remaining)
                .containsExactly(true, 1);
    }

    /** Looks for full buckets at most once per second. */
    @ParameterizedTest
    @ValueSource(ints = {0, 1})
    void givesABucketToAnotherClientAsSoonAsItIsFull(int nanos) {
        RateLimiter limiter = limiter(new RateLimit(60, 1), null, 1);
        limiter.charge(BOB);
        clock.addAndGet(nanos);
        limiter.charge(ANN);
        clock.addAndGet(SECOND);

        limiter.charge(ANN);

        assertThat(limiter.refund(ANN).remaining())
                .as("only an own bucket is refunded")
                .isEqualTo(1);
    }

    @Test
    void requiresARateAndABurstFromOneToAMillion() {
        assertThat(new RateLimit(1, 1_000_000).interval()).isEqualTo(MINUTE);
        assertThat(new RateLimit(1_000_000, 1).interval()).isEqualTo(60_000);
        for (int refused : new int[] {0, 1_000_001}) {
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> new RateLimit(refused, 1))
                    .withMessage("rate limit: " + refused + " per minute, burst 1 (expected: 1 to 1000000)");
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> new RateLimit(1, refused))
                    .withMessage("rate limit: 1 per minute, burst " + refused + " (expected: 1 to 1000000)");
        }
    }

    /** Keeps the times of allowed requests per client, and counts every window that ends now. */
    @Test
    @Tag("random")
    void neverExceedsBurstAndRateInAnyWindow() {
        for (int round = 0; round < 50; round++) {
            RateLimit limit = new RateLimit(1 + random.nextInt(600), 1 + random.nextInt(20));
            RateLimiter limiter = limiter(limit, null, 1 + random.nextInt(8));
            Map<ClientId, Deque<Long>> allowed = new HashMap<>();
            for (int i = 0; i < 3000; i++) {
                clock.addAndGet(pause(limit));
                ClientId client = new ClientId("client-" + random.nextInt(12));
                if (limiter.charge(client).allowed()) {
                    Deque<Long> times = allowed.computeIfAbsent(client, id -> new ArrayDeque<>());
                    times.addFirst(clock.get());
                    assertBounded(times, limit);
                }
            }
        }
    }

    /** A clock that goes back does not refill a bucket twice; a clock that jumps ahead refills it. */
    @Test
    @Tag("random")
    void toleratesAClockThatJumps() {
        for (int round = 0; round < 50; round++) {
            RateLimit limit = new RateLimit(1 + random.nextInt(600), 1 + random.nextInt(20));
            RateLimiter limiter = limiter(limit, null, 4);
            long ahead = 0;
            long allowed = 0;
            for (int i = 0; i < 3000; i++) {
                long jump = random.nextInt(10) == 0 ? (random.nextLong() % MINUTE) : pause(limit);
                clock.addAndGet(jump);
                ahead += Math.max(0, jump);
                allowed += limiter.charge(ANN).allowed() ? 1 : 0;
                assertThat(allowed)
                        .as("seed %d", seed)
                        .isLessThanOrEqualTo(limit.burst() + ahead / limit.interval() + 1);
            }
        }
    }

    @Test
    void boundsItsBucketsUnderAMillionNames() {
        int maxClients = 10_000;
        RateLimit limit = new RateLimit(60, 5);
        RateLimiter limiter = limiter(limit, null, maxClients);
        int allowed = 0;
        for (int i = 0; i < 1_000_000; i++) {
            allowed += limiter.charge(new ClientId("made-up-" + i)).allowed() ? 1 : 0;
            assertThat(limiter.clients()).isLessThanOrEqualTo(maxClients);
        }
        assertThat(allowed).as("clients with a bucket, and one shared bucket").isEqualTo(maxClients + 5);

        clock.addAndGet(5 * SECOND);
        assertThat(limiter.charge(ANN).allowed()).isTrue();
        assertThat(limiter.clients()).as("full buckets are dropped").isEqualTo(1);
    }

    @Test
    void givesNoFullBucketAfterTheSharedOne() {
        RateLimiter limiter = limiter(new RateLimit(60, 5), null, 1);
        limiter.charge(BOB);
        for (int i = 0; i < 5; i++) {
            assertThat(limiter.charge(ANN).allowed()).isTrue();
        }
        clock.addAndGet(SECOND); // Bob's bucket is full again: there is room for Ann

        assertThat(limiter.charge(ANN).allowed()).isTrue();
        assertThat(limiter.charge(ANN).allowed()).isFalse();
    }

    @Test
    void countsCorrectlyUnderManyThreads() throws Exception {
        RateLimit limit = new RateLimit(60, 1000);
        RateLimiter limiter = limiter(limit, new RateLimit(60, 1500), 10);
        AtomicInteger allowed = new AtomicInteger();
        CyclicBarrier start = new CyclicBarrier(4);
        Thread[] threads = new Thread[4];
        for (int t = 0; t < threads.length; t++) {
            ClientId client = t < 2 ? ANN : BOB;
            threads[t] = Thread.ofPlatform().start(() -> {
                await(start);
                for (int i = 0; i < 2000; i++) {
                    allowed.addAndGet(limiter.charge(client).allowed() ? 1 : 0);
                }
            });
        }
        for (Thread thread : threads) {
            thread.join();
        }
        assertThat(allowed).hasValue(1500);
    }

    private RateLimiter limiter(RateLimit perClient, RateLimit overall, int maxClients) {
        return new RateLimiter(perClient, overall, maxClients, clock::get);
    }

    private long pause(RateLimit limit) {
        return switch (random.nextInt(4)) {
            case 0 -> 0;
            case 1 -> random.nextInt(1000);
            case 2 -> random.nextLong(limit.interval());
            default -> random.nextLong(limit.interval() * 3);
        };
    }

    /** @param times of allowed requests, the latest first */
    private void assertBounded(Deque<Long> times, RateLimit limit) {
        long now = times.getFirst();
        int count = 0;
        for (long time : times) {
            count++;
            double window = now - time;
            assertThat((double) count)
                    .as("seed %d, window %s ns, limit %s", seed, window, limit)
                    .isLessThanOrEqualTo(limit.burst() + window / (MINUTE / (double) limit.requestsPerMinute()) + 1e-6);
            if (count > 3 * limit.burst() + 20) {
                return;
            }
        }
    }

    private static void await(CyclicBarrier barrier) {
        try {
            barrier.await();
        } catch (Exception e) {
            throw new IllegalStateException(e);
        }
    }
}
