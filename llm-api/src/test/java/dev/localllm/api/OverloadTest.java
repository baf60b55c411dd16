package dev.localllm.api;

import static org.assertj.core.api.Assertions.assertThat;

import dev.localllm.ollama.simulator.OllamaSimulator;
import dev.localllm.ollama.simulator.SimulatorSettings;
import dev.localllm.ollama.simulator.Steps;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * Ten times as many chats as one permit can serve, in a process of its own: 200 a second, half of them of one client, and
 * as many invalid ones between them, for six seconds; for a minute with {@code FULL=1}. The first third is not measured.
 */
@Tag("measured")
@Timeout(180)
class OverloadTest {

    private static final boolean LONG = "1".equals(System.getenv("FULL"));
    private static final Duration DURATION = Duration.ofSeconds(LONG ? 60 : 6);
    private static final int WARM_UP = 300;
    private static final int PER_SECOND = 400;
    private static final int TOKENS_PER_SECOND = 1000;
    private static final int MAX_TOKENS = 45;
    private static final int EQUAL_CLIENTS = 5;
    private static final String GREEDY = "greedy";
    private static final String INVALID = "invalid";
    private static final String ANSWER = "answer";
    private static final String FULL = "The queue is full.";
    private static final String HOPELESS = "The wait would be too long.";
    private static final String TOO_MANY = "The client has too many waiting requests.";
    private static final List<String> REFUSALS = List.of(FULL, HOPELESS, TOO_MANY);
    private static final String TIMEOUT = "queue_timeout";

    /** In a few seconds, a client gets few answers. */
    private static final double MAX_RATIO = LONG ? 1.25 : 2;

    private static final double MAX_EXTRA_MILLIS = 50;
    private static final long MAX_GROWTH_BYTES = 64L << 20;

    private final long seed = Long.getLong("seed", System.nanoTime());
    private final Random random = new Random(seed);

    /** Completes with the first refusal because of a full queue. */
    private final CompletableFuture<@Nullable Void> full = new CompletableFuture<>();

    /** @param tokens 0 for an invalid request */
    private record Sent(String client, int tokens, CompletableFuture<End> end) {}

    private record End(String kind, double millis) {}

    @Test
    void answersOrRefusesEachRequestAtOnceAndStaysFairAndSmall() throws Exception {
        int requests = Math.toIntExact(PER_SECOND * DURATION.toSeconds());
        List<Sent> all = new ArrayList<>();
        List<Long> resident = new ArrayList<>();
        try (OllamaSimulator simulator = OllamaSimulator.start(
                        SimulatorSettings.atPace(TOKENS_PER_SECOND).withParallel(1));
                ServerProcess server = ServerProcess.withHeap(
                        "256m",
                        simulator.baseUrl(),
                        "--RATE_LIMIT_RPM=0",
                        "--OLLAMA_NUM_PARALLEL=1",
                        "--QUEUE_TIMEOUT=1500ms");
                NamedClients clients = new NamedClients(server.uri("/"))) {
            for (int i = 0; i < WARM_UP; i++) {
                send(clients, "first", 1).end.get(30, TimeUnit.SECONDS);
            }
            Steps first = simulator.hold(); // after so short answers no wait is hopeless: the queue gets full
            all.add(send(clients, "first", 1));
            CompletableFuture<Void> released = full.thenRun(() -> first.release(2));
            long begun = System.nanoTime();
            for (int i = 1; i <= requests; i++) {
                LockSupport.parkNanos(begun + i * 1_000_000_000L / PER_SECOND - System.nanoTime());
                all.add(sendNext(clients, i));
                if (i % (requests / 12) == 0) {
                    resident.add(server.residentBytes());
                }
            }
            released.get(30, TimeUnit.SECONDS);
            for (Sent one : all) {
                one.end.get(30, TimeUnit.SECONDS);
            }
            simulator.openExchangesOverTime().filter(open -> open == 0).blockFirst(Duration.ofSeconds(10));
            assertThat(server.output()).doesNotContain("OutOfMemory", "OutOfDirectMemory", "LEAK", "ERROR");
        }

        System.out.println("OverloadTest: -Dseed=" + seed + ", " + kinds(all));
        assertThat(kinds(all).keySet())
                .as("-Dseed=%d", seed)
                .contains(ANSWER, FULL, HOPELESS, INVALID)
                .isSubsetOf(ANSWER, FULL, HOPELESS, TOO_MANY, INVALID, TIMEOUT);
        List<Sent> measured = all.subList(requests / 3, requests);
        assertFair(measured);
        assertRefusedAtOnce(measured);
        assertSmall(resident);
    }

    private Sent sendNext(NamedClients clients, int number) {
        String client = number % 4 < 2 ? GREEDY : "client-" + random.nextInt(EQUAL_CLIENTS);
        return send(clients, client, number % 2 == 0 ? 0 : 15 + random.nextInt(MAX_TOKENS - 15));
    }

    private Sent send(NamedClients clients, String client, int tokens) {
        String body = tokens == 0 ? "{\"messages\":5}" : NamedClients.body(tokens);
        long start = System.nanoTime();
        return new Sent(client, tokens, clients.post(client, body).thenApply(response -> end(response, tokens, start)));
    }

    private End end(HttpResponse<String> response, int tokens, long start) {
        double millis = (System.nanoTime() - start) / 1e6;
        String kind = kind(response, tokens);
        if (kind.equals(FULL)) {
            full.complete(null);
        }
        return new End(kind, millis);
    }

    /** Fails if the response is of no kind, or not complete. */
    private static String kind(HttpResponse<String> response, int tokens) {
        String body = response.body();
        return switch (response.statusCode()) {
            case 200 -> {
                assertThat(body).endsWith("data: [DONE]\n\n").doesNotContain("\"error\"");
                assertThat(body.split("\"delta\":\\{\"content\":", -1)).hasSize(tokens + 1);
                yield ANSWER;
            }
            case 400 -> {
                assertThat(tokens).isZero();
                yield INVALID;
            }
            case 503 -> {
                String shouldRetry =
                        response.headers().firstValue("x-should-retry").orElseThrow();
                if (body.contains("\"code\":\"" + TIMEOUT)) {
                    assertThat(shouldRetry).isEqualTo("false");
                    yield TIMEOUT;
                }
                long pause = response.headers().firstValueAsLong("retry-after").orElseThrow();
                assertThat(shouldRetry).as("retry-after %d", pause).isEqualTo(String.valueOf(pause <= 20));
                yield REFUSALS.stream().filter(body::contains).findFirst().orElseThrow(() -> new AssertionError(body));
            }
            default -> throw new AssertionError(response.statusCode() + " " + body);
        };
    }

    private static Map<String, Long> kinds(List<Sent> all) {
        return all.stream()
                .collect(Collectors.groupingBy(one -> one.end.join().kind, TreeMap::new, Collectors.counting()));
    }

    /** All ask for more than their share, so that each gets the same. */
    private static void assertFair(List<Sent> all) {
        Map<String, Integer> tokens = all.stream()
                .filter(one -> one.end.join().kind.equals(ANSWER))
                .collect(Collectors.groupingBy(Sent::client, TreeMap::new, Collectors.summingInt(Sent::tokens)));
        assertThat(tokens).hasSize(EQUAL_CLIENTS + 1);
        double ratio = ratio(tokens.values());
        int greedy = tokens.remove(GREEDY);
        System.out.printf(
                "OverloadTest: tokens of equal clients %s, max/min %.2f; of the greedy one %d, max/min %.2f%n",
                tokens.values(), ratio(tokens.values()), greedy, ratio);
        assertThat(ratio).as("max/min of all").isLessThanOrEqualTo(MAX_RATIO);
    }

    private static double ratio(Collection<Integer> tokens) {
        return (double) Collections.max(tokens) / Collections.min(tokens);
    }

    private static void assertRefusedAtOnce(List<Sent> measured) {
        double[] refused = millis(measured, REFUSALS::contains);
        double[] invalid = millis(measured, INVALID::equals);
        System.out.printf(
                "OverloadTest: refused after p50 %.1f ms, p99 %.1f ms; invalid p50 %.1f ms, p99 %.1f ms%n",
                refused[refused.length / 2], p99(refused), invalid[invalid.length / 2], p99(invalid));
        assertThat(p99(refused)).isLessThanOrEqualTo(p99(invalid) + MAX_EXTRA_MILLIS);
    }

    private static double[] millis(List<Sent> sent, Predicate<String> kind) {
        return sent.stream()
                .map(one -> one.end.join())
                .filter(end -> kind.test(end.kind))
                .mapToDouble(End::millis)
                .sorted()
                .toArray();
    }

    private static double p99(double[] sorted) {
        return sorted[sorted.length * 99 / 100];
    }

    private static void assertSmall(List<Long> resident) {
        long third = resident.get(resident.size() / 3);
        long highest = resident.subList(resident.size() / 3, resident.size()).stream()
                .mapToLong(bytes -> bytes)
                .max()
                .orElseThrow();
        System.out.printf(
                "OverloadTest: %d MB resident after a third, at most %d MB later%n", third >> 20, highest >> 20);
        assertThat(highest - third).isLessThanOrEqualTo(MAX_GROWTH_BYTES);
    }
}
