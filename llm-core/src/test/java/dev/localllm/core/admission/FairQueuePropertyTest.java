package dev.localllm.core.admission;

import static org.assertj.core.api.Assertions.assertThat;

import dev.localllm.core.catalog.ModelId;
import dev.localllm.core.failure.LlmException;
import dev.localllm.core.failure.LlmFailure;
import dev.localllm.core.limit.ClientId;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;

/** Random requests, ends, cancels, clock jumps and model switches. */
@Execution(ExecutionMode.SAME_THREAD)
@Tag("random")
class FairQueuePropertyTest {

    private static final int RUNS = 300;
    private static final int STEPS = 400;
    private static final List<ModelId> MODELS = List.of(new ModelId("a"), new ModelId("b"));

    private long now;
    private int granted;

    /** One request, as its caller sees it. */
    private final class Request implements Ticket.Listener {

        private final ModelId model;
        private final int client;
        private Ticket ticket;
        private int told;
        private boolean started;
        private boolean left;

        private Request(ModelId model, int client) {
            this.model = model;
            this.client = client;
        }

        @Override
        public void onGranted() {
            told++;
            granted++;
        }

        @Override
        public void onRefused(LlmFailure failure) {
            throw new AssertionError(failure);
        }
    }

    @Test
    void keepsItsPromisesWhateverHappens() {
        long first = new Random().nextLong();
        for (int run = 0; run < RUNS; run++) {
            run(first + run);
        }
        System.out.printf("fair queue: seeds from %d, %d runs, %d permits granted%n", first, RUNS, granted);
        assertThat(granted).isGreaterThan(RUNS * 20);
    }

    private void run(long seed) {
        Random random = new Random(seed);
        now = random.nextLong();
        int parallel = 1 + random.nextInt(3);
        FairQueue queue = new FairQueue(
                new QueueLimits(
                        12,
                        5,
                        parallel,
                        Map.of(MODELS.get(1), 1),
                        Map.of(new ClientId("0"), 3),
                        Duration.ofDays(random.nextInt(3) * 100L),
                        Duration.ofSeconds(20)),
                () -> now);
        List<Request> open = new ArrayList<>();
        for (int step = 0; step < STEPS; step++) {
            now += random.nextInt(10) == 0 ? -random.nextInt(1_000_000_000) : random.nextLong(5_000_000_000L);
            if (random.nextInt(50) == 0) {
                now += Duration.ofDays(1).toNanos();
            }
            if (random.nextInt(40) == 0) {
                queue.report(random.nextBoolean() ? Set.copyOf(MODELS) : Set.of(MODELS.get(random.nextInt(2))));
            }
            if (random.nextInt(100) < 55) {
                enter(queue, random, open);
            } else if (!open.isEmpty()) {
                goOn(open.get(random.nextInt(open.size())), random);
            }
            open.removeIf(request -> request.left);
            check(queue, open, parallel, seed);
        }
        for (int rest = 0; !open.isEmpty(); rest++) {
            assertThat(rest).as("seed %d: starvation", seed).isLessThan(1000);
            now += 1_000_000_000L;
            Request next = open.stream()
                    .filter(request -> request.ticket.isGranted())
                    .findFirst()
                    .orElseThrow(() -> new AssertionError("seed " + seed + ": nobody has a permit"));
            if (!next.ticket.startLoad() || !next.ticket.onLoaded()) {
                next.ticket.start();
            }
            next.ticket.release();
            open.remove(next);
        }
        assertThat(queue.running()).as("seed %d", seed).isZero();
        assertThat(queue.waiting()).as("seed %d", seed).isZero();
    }

    private void enter(FairQueue queue, Random random, List<Request> open) {
        Request request = new Request(MODELS.get(random.nextInt(2)), random.nextInt(4));
        try {
            request.ticket = queue.enter(new ClientId(String.valueOf(request.client)), request.model);
            request.ticket.listen(request);
            open.add(request);
        } catch (LlmException e) {
            assertThat(open).isNotEmpty(); // an empty queue refuses nobody
        }
    }

    private static void goOn(Request request, Random random) {
        if (random.nextInt(4) == 0 && !request.started) {
            request.ticket.leave();
            request.left = true;
        } else if (request.started && random.nextInt(3) == 0) {
            request.ticket.onLoaded(); // also more than once, and if there was no load
        } else if (request.started && random.nextInt(3) == 0) {
            request.ticket.abandon(); // as above
        } else if (request.started) {
            request.ticket.release(); // also before the end of a load
            request.left = true;
        } else if (request.ticket.isGranted()) {
            assertThat(request.ticket.startLoad() || request.ticket.start()).isTrue();
            request.started = true;
        }
        if (request.left && random.nextBoolean()) { // twice is as once
            request.ticket.release();
            request.ticket.leave();
        }
    }

    private static void check(FairQueue queue, List<Request> open, int parallel, long seed) {
        Map<ModelId, Integer> running = new HashMap<>();
        Map<ModelId, List<Integer>> positions = new HashMap<>();
        for (Request request : open) {
            boolean granted = request.ticket.isGranted();
            assertThat(request.told).as("seed %d: told", seed).isEqualTo(granted ? 1 : 0);
            Place place = request.ticket.place();
            if (granted) {
                running.merge(request.model, 1, Integer::sum);
            } else {
                assertThat(place).as("seed %d: place", seed).isNotNull();
                positions
                        .computeIfAbsent(request.model, model -> new ArrayList<>())
                        .add(place.position());
            }
        }
        int granted = running.values().stream().mapToInt(count -> count).sum();
        assertThat(queue.running()).as("seed %d", seed).isEqualTo(granted);
        assertThat(queue.waiting()).as("seed %d", seed).isEqualTo(open.size() - granted);
        assertThat(running.getOrDefault(MODELS.get(0), 0)).as("seed %d", seed).isLessThanOrEqualTo(parallel);
        assertThat(running.getOrDefault(MODELS.get(1), 0)).as("seed %d", seed).isLessThanOrEqualTo(1);
        assertThat(granted == 0 && !open.isEmpty())
                .as("seed %d: the GPU idles", seed)
                .isFalse();
        positions
                .values()
                .forEach(ofModel -> assertThat(ofModel)
                        .as("seed %d: each position once", seed)
                        .containsExactlyInAnyOrderElementsOf(
                                IntStream.rangeClosed(1, ofModel.size()).boxed().toList()));
        keepsTheOrderOfEachClient(open, seed);
    }

    /** Of one client and one model, an older request never waits while a newer one runs. */
    private static void keepsTheOrderOfEachClient(List<Request> open, long seed) {
        Map<String, Boolean> waits = new HashMap<>();
        for (Request request : open) { // in the order of their arrival
            String line = request.client + " " + request.model;
            boolean granted = request.ticket.isGranted();
            assertThat(granted && waits.getOrDefault(line, false))
                    .as("seed %d: order", seed)
                    .isFalse();
            waits.merge(line, !granted, Boolean::logicalOr);
        }
    }

    /** On real threads: never more than the permits, and each request that stays gets one. */
    @Test
    void isThreadSafe() throws Exception {
        int threads = 4;
        int perThread = 2000;
        int all = threads * perThread;
        FairQueue queue = new FairQueue(
                new QueueLimits(all, all, 2, Map.of(), Map.of(), Duration.ofDays(1), Duration.ofSeconds(20)),
                System::nanoTime);
        AtomicInteger running = new AtomicInteger();
        AtomicInteger most = new AtomicInteger();
        AtomicInteger over = new AtomicInteger();
        AtomicInteger left = new AtomicInteger();
        try (ExecutorService pool = Executors.newFixedThreadPool(threads)) {
            List<Future<?>> submitted = new ArrayList<>();
            for (int thread = 0; thread < threads; thread++) {
                ClientId client = new ClientId("client-" + thread);
                submitted.add(pool.submit(() -> {
                    Random random = new Random();
                    for (int i = 0; i < perThread; i++) {
                        Ticket ticket = queue.enter(client, MODELS.getFirst());
                        CountDownLatch granted = new CountDownLatch(1);
                        ticket.listen(new Ticket.Listener() {
                            @Override
                            public void onGranted() {
                                granted.countDown();
                            }

                            @Override
                            public void onRefused(LlmFailure failure) {
                                throw new AssertionError(failure);
                            }
                        });
                        if (random.nextInt(4) == 0) {
                            ticket.leave();
                            left.incrementAndGet();
                        } else {
                            assertThat(granted.await(10, TimeUnit.SECONDS)).isTrue();
                            assertThat(ticket.start()).isTrue();
                            most.accumulateAndGet(running.incrementAndGet(), Math::max);
                            LockSupport.parkNanos(10_000); // the others go on
                            running.decrementAndGet();
                            ticket.release();
                            over.incrementAndGet();
                        }
                    }
                    return null;
                }));
            }
            for (Future<?> one : submitted) {
                one.get(60, TimeUnit.SECONDS);
            }
        }
        assertThat(queue.running()).isZero();
        assertThat(queue.waiting()).isZero();
        assertThat(most).hasValue(2);
        assertThat(over.get() + left.get()).isEqualTo(all);
    }
}
