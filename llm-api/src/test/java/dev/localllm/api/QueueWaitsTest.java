package dev.localllm.api;

import static org.assertj.core.api.Assertions.assertThat;

import dev.localllm.core.admission.Place;
import dev.localllm.core.admission.Ticket;
import dev.localllm.core.catalog.ModelId;
import dev.localllm.core.limit.ClientId;
import dev.localllm.ollama.simulator.Fault;
import dev.localllm.ollama.simulator.OllamaSimulator;
import dev.localllm.ollama.simulator.SimulatorSettings;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * How long chats really wait, compared with what the queue expects when they come. The times of the answers have a
 * coefficient of variation of 1; for the sum of n of them it is 1/√n, which nobody can foretell. So at position 10 only two
 * of three waits are within 30 % of the expected one, at 30 seven of eight, at 60 nineteen of twenty. Measured are 30 to
 * 60, on several servers side by side. Still, few waits are independent of each other, and with one seed of twenty the
 * times are such that less than 80 % can be foretold; so the seed is always the same, one of average luck. FairShareTest
 * does it in virtual time with any seed, from position 10 on.
 */
@Tag("measured")
@Timeout(120)
class QueueWaitsTest {

    private static final List<Integer> POSITIONS = List.of(30, 40, 50, 60);
    private static final double MEAN_MILLIS = 60;

    /** Until the queue knows the typical charge. */
    private static final int UNMEASURED = 100;

    private static final int MEASURED = 100;
    private static final int WARM_UP = 1000;

    /** Chats that don't name their client. */
    private static final ClientId CLIENT = new ClientId("address:7f000001");

    private final long seed = Long.getLong("seed", 2);
    private final Collection<Wait> waits = new ConcurrentLinkedQueue<>();

    private record Wait(int position, double expectedNanos, double actualNanos) {

        double error() {
            return expectedNanos / actualNanos - 1;
        }
    }

    @Test
    void areAsExpected() throws Exception {
        System.out.println("QueueWaitsTest: -Dseed=" + seed);
        List<Line> lines = new ArrayList<>();
        try (ExecutorService pool = Executors.newVirtualThreadPerTaskExecutor()) {
            warmUp(pool);
            for (int position : POSITIONS) {
                lines.add(new Line(position, pool));
            }
            List<Future<?>> running = new ArrayList<>();
            for (Line line : lines) {
                running.add(pool.submit(line::measure));
            }
            for (Future<?> one : running) {
                one.get(100, TimeUnit.SECONDS);
            }
        } finally {
            lines.forEach(Line::close);
        }

        for (int position : POSITIONS) {
            share(
                    "about " + position,
                    waits.stream()
                            .filter(wait -> Math.abs(wait.position - position) < 5)
                            .toList());
        }
        assertThat(waits)
                .hasSize(POSITIONS.size() * MEASURED)
                .allMatch(wait -> wait.position >= 10)
                .anyMatch(wait -> wait.position >= 60);
        assertThat(share("10 or more", List.copyOf(waits))).as("seed %d", seed).isGreaterThanOrEqualTo(0.8);
    }

    /** A cold JVM works more slowly, which it could not know from its first chats. */
    private static void warmUp(ExecutorService pool) throws Exception {
        try (OllamaSimulator simulator = OllamaSimulator.start(SimulatorSettings.unpaced());
                TestServer server = new TestServer(simulator.baseUrl())) {
            List<Future<?>> callers = new ArrayList<>();
            for (int caller = 0; caller < POSITIONS.size(); caller++) {
                callers.add(pool.submit(() -> {
                    for (int i = 0; i < WARM_UP / POSITIONS.size(); i++) {
                        try (RawRequest chat = RawRequest.chat(server.uri("/"), true, "Answer in 5 tokens")) {
                            assertThat(chat.readAll()).contains("data: [DONE]");
                        }
                    }
                    return null;
                }));
            }
            for (Future<?> caller : callers) {
                caller.get(60, TimeUnit.SECONDS);
            }
        }
    }

    /** A server with one permit and many waiting chats. */
    private final class Line implements AutoCloseable {

        private final int position;
        private final ExecutorService pool;
        private final Random random;
        private final OllamaSimulator simulator =
                OllamaSimulator.start(SimulatorSettings.unpaced().withParallel(1));
        private final TestServer server = new TestServer(
                simulator.baseUrl(),
                "--MODEL_NAME=simulator",
                "--OLLAMA_NUM_PARALLEL=1",
                "--MAX_CONCURRENT_REQUESTS=100",
                "--QUEUE_PER_CLIENT=100",
                "--QUEUE_TIMEOUT=5m");

        /** @param position that the measured chats get */
        private Line(int position, ExecutorService pool) {
            this.position = position;
            this.pool = pool;
            this.random = new Random(seed + position);
        }

        /** With each end of an answer comes a chat. */
        private Void measure() throws Exception {
            Semaphore room = new Semaphore(position + 1);
            List<Future<?>> chats = new ArrayList<>();
            for (int i = -position - UNMEASURED; i < MEASURED; i++) {
                room.acquire();
                simulator.script(nextTime());
                Place place = i < 0 ? null : placeOfNext();
                long start = System.nanoTime();
                RawRequest chat = RawRequest.chat(server.uri("/"), true, "Answer in 2 tokens");
                chats.add(pool.submit(() -> {
                    end(chat, place, start);
                    room.release();
                    return null;
                }));
            }
            for (Future<?> chat : chats) {
                chat.get(60, TimeUnit.SECONDS);
            }
            return null;
        }

        /** One pause per answer: a busy machine stretches many short ones. */
        private Fault nextTime() {
            double millis = -MEAN_MILLIS * Math.log(1 - random.nextDouble());
            return new Fault.Pauses(1, Duration.ofNanos(Math.round(millis * 1e6)));
        }

        /** The place that the next chat will get: finer than the seconds that clients are told. */
        private Place placeOfNext() {
            Ticket ticket = server.queue().enter(CLIENT, new ModelId("simulator"));
            Place place = ticket.place();
            ticket.leave();
            return place;
        }

        private void end(RawRequest chat, Place place, long start) throws Exception {
            try (chat) {
                chat.socket().setSoTimeout(60_000);
                assertThat(chat.readUntil("\"delta\":{\"content\"")).isTrue();
                if (place != null) {
                    double expected =
                            Objects.requireNonNull(place.expectedWait()).toNanos();
                    waits.add(new Wait(place.position(), expected, System.nanoTime() - start));
                }
                assertThat(chat.readAll()).contains("data: [DONE]");
            }
        }

        @Override
        public void close() {
            server.close();
            simulator.close();
        }
    }

    /** Of the waits that are within 30 % of the expected one. */
    private static double share(String positions, List<Wait> waits) {
        double[] errors = waits.stream().mapToDouble(Wait::error).sorted().toArray();
        double share = (double) waits.stream()
                        .filter(wait -> Math.abs(wait.error()) <= 0.3)
                        .count()
                / errors.length;
        System.out.printf(
                "QueueWaitsTest: position %s: %d waits, mean %.0f ms, %.0f %% within 30 %%,"
                        + " errors p5 %+.2f p50 %+.2f p95 %+.2f%n",
                positions,
                errors.length,
                waits.stream().mapToDouble(Wait::actualNanos).average().orElseThrow() / 1e6,
                100 * share,
                errors[errors.length / 20],
                errors[errors.length / 2],
                errors[errors.length * 19 / 20]);
        return share;
    }
}
