package dev.localllm.core.admission;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.localllm.core.catalog.ModelId;
import dev.localllm.core.limit.ClientId;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.PriorityQueue;
import java.util.Queue;
import java.util.Random;
import java.util.function.DoubleSupplier;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Clients that always wait, in virtual time: how the GPU's time is shared, and how well waits are foretold. */
@Tag("random")
class FairShareTest {

    private static final ModelId MODEL = new ModelId("m");
    private static final double NANOS = 1e9;

    private final long seed = new Random().nextLong();
    private final Random random = new Random(seed);
    private final PriorityQueue<Running> running = new PriorityQueue<>(Comparator.comparingLong(Running::end));
    private final List<Client> clients = new ArrayList<>();
    private long now;
    private double busy;

    private record Running(Client client, Ticket ticket, long end, long length) {}

    private final class Client {

        private final ClientId id;
        private final int weight;
        private final DoubleSupplier seconds;
        private final Queue<Ticket> waiting = new ArrayDeque<>();
        private final List<Ticket> all = new ArrayList<>();
        private double ended;
        private long longest;
        private int answers;
        private int waits = 3;

        private Client(String name, int weight, DoubleSupplier seconds) {
            this.id = new ClientId(name);
            this.weight = weight;
            this.seconds = seconds;
            clients.add(this);
        }

        private double bound() {
            return (double) longest / weight;
        }

        private double perWeight() {
            double open = all.stream()
                    .mapToDouble(ticket -> ticket.receipt().charged().toNanos())
                    .sum();
            return (ended + open) / weight;
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3})
    void sharesEquallyBetweenOneClientWithLongAnswersAndNineWithShortOnes(int parallel) {
        Client greedy = new Client("greedy", 1, () -> 30);
        for (int i = 0; i < 9; i++) {
            new Client("short-" + i, 1, () -> 0.5 + 3 * random.nextDouble());
        }
        share(greedy, parallel, Map.of());
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3})
    void sharesByWeight(int parallel) {
        Client backend = new Client("backend", 4, () -> 30);
        new Client("batch", 1, () -> 10 + 20 * random.nextDouble());
        new Client("other", 1, () -> 1 + random.nextDouble());
        share(backend, parallel, Map.of(backend.id, 4));
    }

    /** Until the client has got 100 answers. */
    private void share(Client first, int parallel, Map<ClientId, Integer> weights) {
        FairQueue queue = queue(1000, parallel, weights);
        clients.forEach(client -> fill(client, queue));
        double worst = 0;
        while (first.answers < 100) {
            endNext(queue);
            worst = Math.max(worst, worstDifference());
        }
        double mean = clients.stream().mapToDouble(Client::perWeight).average().orElseThrow();
        double sum = clients.stream()
                .mapToDouble(client -> client.perWeight() * client.weight)
                .sum();
        System.out.printf(
                "fair share: seed %d, %d parallel, worst difference %.2f of the bound%n", seed, parallel, worst);
        assertThat(worst).as("seed %d", seed).isLessThanOrEqualTo(1 + 1e-9);
        assertThat(clients)
                .as("seed %d", seed)
                .allSatisfy(client -> assertThat(client.perWeight()).isCloseTo(mean, within(mean / 10)));
        assertThat(sum).as("seed %d", seed).isCloseTo(busy, within(busy / 100));
    }

    /** In multiples of the bound: the longest answer of each, per its weight. */
    private double worstDifference() {
        double[] used = clients.stream().mapToDouble(Client::perWeight).toArray();
        double worst = 0;
        for (int i = 0; i < used.length; i++) {
            for (int j = 0; j < used.length; j++) {
                if (used[i] > used[j]) {
                    worst = Math.max(
                            worst,
                            (used[i] - used[j])
                                    / (clients.get(i).bound() + clients.get(j).bound()));
                }
            }
        }
        return worst;
    }

    /** The lengths have a coefficient of variation of 1. */
    @Test
    void foretellsTheWaitOfDistantPositions() {
        Client client = new Client("one", 1, () -> -10 * Math.log(1 - random.nextDouble()));
        client.waits = 60;
        FairQueue queue = queue(1000, 1, Map.of());
        List<Expectation> open = new ArrayList<>();
        List<Double> errors = new ArrayList<>();
        fill(client, queue);
        for (int i = 0; i < 3000; i++) {
            endNext(queue);
            for (Expectation one : List.copyOf(open)) {
                if (one.ticket.isGranted()) {
                    errors.add(one.error(now));
                    open.remove(one);
                }
            }
            Ticket any = client.all.get(random.nextInt(client.all.size()));
            Place place = any.place();
            if (i > 64 && place != null && place.position() >= 10) {
                open.add(new Expectation(any, now, Objects.requireNonNull(place.expectedWait())));
            }
        }

        double[] sorted = errors.stream().mapToDouble(error -> error).sorted().toArray();
        long good = errors.stream().filter(error -> Math.abs(error) <= 0.3).count();
        System.out.printf(
                "expected waits: seed %d, %d of %d within 30 %%, errors p5 %.2f p50 %.2f p95 %.2f%n",
                seed,
                good,
                sorted.length,
                sorted[sorted.length / 20],
                sorted[sorted.length / 2],
                sorted[sorted.length * 19 / 20]);
        assertThat(sorted).as("seed %d", seed).hasSizeGreaterThan(1000);
        assertThat(good).as("seed %d", seed).isGreaterThanOrEqualTo(sorted.length * 8L / 10);
    }

    private record Expectation(Ticket ticket, long at, Duration expected) {

        /** In parts of the actual wait. */
        double error(long now) {
            return (double) expected.toNanos() / (now - at) - 1;
        }
    }

    private FairQueue queue(int requests, int parallel, Map<ClientId, Integer> weights) {
        return new FairQueue(
                new QueueLimits(
                        requests, requests, parallel, Map.of(), weights, Duration.ofDays(1), Duration.ofSeconds(20)),
                () -> now);
    }

    /** Keeps the client waiting. */
    private void fill(Client client, FairQueue queue) {
        while (client.waiting.size() < client.waits) {
            Ticket ticket = queue.enter(client.id, MODEL);
            client.waiting.add(ticket);
            client.all.add(ticket);
        }
        startGranted();
    }

    private void startGranted() {
        for (Client client : clients) {
            while (!client.waiting.isEmpty() && client.waiting.peek().isGranted()) {
                Ticket ticket = client.waiting.poll();
                ticket.onLoaded();
                assertThat(ticket.start()).isTrue();
                long length = Math.max(1, Math.round(client.seconds.getAsDouble() * NANOS));
                client.longest = Math.max(client.longest, length);
                running.add(new Running(client, ticket, now + length, length));
            }
        }
    }

    private void endNext(FairQueue queue) {
        Running next = running.poll();
        busy += next.end - now;
        now = next.end;
        next.ticket.release();
        next.client.ended += next.ticket.receipt().charged().toNanos();
        next.client.all.remove(next.ticket);
        next.client.answers++;
        startGranted();
        clients.forEach(client -> fill(client, queue));
    }
}
