package dev.localllm.api;

import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.Level;
import dev.localllm.ollama.simulator.Fault;
import dev.localllm.ollama.simulator.OllamaSimulator;
import dev.localllm.ollama.simulator.SimulatorSettings;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * Clients that disconnect at any moment, in any way. Afterwards nothing is in use: no permit of the server, no exchange
 * of the simulator, no socket. Ten times as many aborts with {@code FULL=1}.
 */
@Tag("measured")
@Timeout(1800)
class AbortsTest {

    private static final Pattern CALLER = Pattern.compile(" id=caller-\\S+");
    private static final boolean FULL = "1".equals(System.getenv("FULL"));
    private static final int ABORTS = FULL ? 10_000 : 1000;
    private static final int MEASURED = FULL ? 2000 : 200;
    private static final int CALLERS = 16;
    private static final int REQUESTS = 16;

    /** Fewer than callers: some of them leave while they wait. */
    private static final int PERMITS = 2;

    private static final long P99_MILLIS = 20;

    /** Timeout for closing all sockets: clients come and go faster than a busy machine accepts them. */
    private static final Duration CLOSE_TIMEOUT = Duration.ofSeconds(FULL ? 300 : 60);

    private final long seed = Long.getLong("seed", System.nanoTime());

    /** Clients that had been told their place in the queue. */
    private final AtomicInteger queued = new AtomicInteger();

    /** Clients that had been told that their model is being loaded. */
    private final AtomicInteger loading = new AtomicInteger();

    /** Clients whose answer had started. */
    private final AtomicInteger started = new AtomicInteger();

    @Test
    void leaveNothingBehind() throws Exception {
        System.out.println("AbortsTest: " + ABORTS + " aborts, -Dseed=" + seed);
        SimulatorSettings oneModel =
                SimulatorSettings.unpaced().withMaxLoaded(1).withLoadTime(Duration.ofMillis(20));
        try (OllamaSimulator simulator = OllamaSimulator.start(oneModel);
                TestServer server = new TestServer(
                        simulator.baseUrl(),
                        "--MODEL_NAME=simulator",
                        "--MODEL_SWITCH_AFTER=50ms",
                        "--MAX_CONCURRENT_REQUESTS=" + REQUESTS,
                        "--OLLAMA_NUM_PARALLEL=" + PERMITS,
                        "--HEARTBEAT_INTERVAL=5ms");
                CapturedLog log = new CapturedLog("ROOT", Level.WARN);
                LeakWatch leaks = new LeakWatch();
                ExecutorService callers = Executors.newVirtualThreadPerTaskExecutor()) {
            List<Future<?>> running = new ArrayList<>();
            for (int caller = 0; caller < CALLERS; caller++) {
                Random random = new Random(seed + caller);
                String name = "caller-" + caller + "-";
                running.add(callers.submit(() -> {
                    for (int i = 0; i < ABORTS / CALLERS; i++) {
                        abort(server, simulator, random, name + i);
                    }
                    return null;
                }));
            }
            for (Future<?> caller : running) {
                caller.get();
            }

            awaitOpen(simulator, 0);
            awaitSockets(server.uri("/").getPort(), 0);
            awaitSockets(simulator.baseUrl().getPort(), 2 * 2 * REQUESTS); // both ends of the pool's connections
            simulator.clearFaults(); // faults that were meant for clients that disconnected early
            assertAllPermitsAreFree(server, simulator);
            leaks.assertNone();
            System.out.printf(
                    "AbortsTest: nothing leaked; %s left the queue, %s a load, %s a started answer; %d loads%n",
                    queued, loading, started, simulator.loads());
            assertThat(loading).hasValueGreaterThan(ABORTS / 500);
            assertThat(queued).hasValueGreaterThan(ABORTS / 100);
            assertThat(started).hasValueGreaterThan(ABORTS / 500);
            assertOneLineForEach(log.messages());
        }
    }

    @Test
    void closeTheExchangeWithOllamaAtOnce() throws Exception {
        List<Fault> phases =
                List.of(new Fault.NeverAnswers(), new Fault.Stalls(1), new Fault.SlowHeaders(Duration.ofMinutes(1)));
        long[] nanos = new long[MEASURED];
        try (OllamaSimulator simulator = OllamaSimulator.start(SimulatorSettings.unpaced());
                TestServer server = new TestServer(simulator.baseUrl(), "--MODEL_NAME=simulator")) {
            for (int i = -50; i < MEASURED; i++) { // the first ones warm up
                Fault phase = phases.get(Math.floorMod(i, phases.size()));
                simulator.script(phase);
                RawRequest request = RawRequest.chat(server.uri("/"), i % 2 == 0, "Hello");
                awaitOpen(simulator, 1);
                if (phase instanceof Fault.Stalls && i % 2 == 0) {
                    request.readUntil("data: ");
                }
                long start = System.nanoTime();
                request.close();
                awaitOpen(simulator, 0);
                nanos[Math.max(0, i)] = System.nanoTime() - start;
            }
        }
        Arrays.sort(nanos);
        double p50 = nanos[MEASURED / 2] / 1e6;
        double p99 = nanos[MEASURED * 99 / 100] / 1e6;
        System.out.printf("AbortsTest: exchange closed after p50 %.2f ms, p99 %.2f ms of %d%n", p50, p99, MEASURED);
        assertThat(p99).isLessThanOrEqualTo(P99_MILLIS);
    }

    private void abort(TestServer server, OllamaSimulator simulator, Random random, String id) throws Exception {
        switch (random.nextInt(8)) {
            case 0 -> simulator.script(new Fault.NeverAnswers());
            case 1 -> simulator.script(new Fault.SlowHeaders(Duration.ofMillis(random.nextInt(20))));
            case 2 -> simulator.script(new Fault.Stalls(1 + random.nextInt(20)));
            case 3 -> simulator.script(new Fault.Pauses(1, Duration.ofMillis(random.nextInt(20))));
            default -> {}
        }
        int kind = random.nextInt(6);
        String model = random.nextInt(8) > 0 ? OllamaSimulator.CHAT_MODEL : OllamaSimulator.SECOND_CHAT_MODEL;
        String question = "Answer in " + (1 + random.nextInt(300)) + " tokens";
        String text = RawRequest.chatWith(model, kind == 2 || random.nextInt(3) > 0, question, id);
        RawRequest request = RawRequest.open(server.uri("/"));
        switch (kind) {
            case 0 -> request.send(text.substring(0, 1 + random.nextInt(text.length() - 1)));
            case 1 -> request.send(text);
            case 2 -> readSome(request.send(text));
            case 3 -> {
                request.send(text);
                Thread.sleep(random.nextInt(10));
            }
            case 4 -> {
                request.send(text).socket().shutdownOutput();
                Thread.sleep(random.nextInt(3));
            }
            default -> request.send(text + text);
        }
        if (random.nextBoolean()) {
            request.reset();
        } else {
            request.close();
        }
    }

    /** Until the first token, or the first comment. */
    private void readSome(RawRequest request) throws IOException {
        assertThat(request.readUntil("\r\n\r\n")).isTrue();
        if (request.status() == 200) {
            request.readUntil("\n\n");
            String told = request.received();
            AtomicInteger phase =
                    told.contains(": queue position=") ? queued : told.contains(": loading") ? loading : started;
            phase.incrementAndGet();
        }
    }

    /** Allows two lines, if the request was sent twice, and none, if it did not arrive completely. */
    private static void assertOneLineForEach(List<String> lines) {
        assertThat(lines).allMatch(line -> line.contains(" id="));
        Map<String, Long> counts = lines.stream()
                .flatMap(line -> CALLER.matcher(line).results())
                .collect(Collectors.groupingBy(MatchResult::group, Collectors.counting()));
        assertThat(counts.size()).isGreaterThan(ABORTS / 2);
        assertThat(counts.values()).allMatch(count -> count <= 2);
    }

    private static void assertAllPermitsAreFree(TestServer server, OllamaSimulator simulator) throws Exception {
        List<RawRequest> held = new ArrayList<>();
        for (int i = 0; i < PERMITS; i++) {
            simulator.script(new Fault.Stalls(1));
            RawRequest request = RawRequest.chat(server.uri("/"), true, "Hello");
            held.add(request);
            assertThat(request.readUntil("\"delta\":{\"content\""))
                    .as(request.received())
                    .isTrue();
        }
        for (int i = PERMITS; i < REQUESTS; i++) {
            RawRequest request = RawRequest.chat(server.uri("/"), true, "Hello");
            held.add(request);
            assertThat(request.readUntil(": queue position="))
                    .as(request.received())
                    .isTrue();
        }
        try (RawRequest tooMany = RawRequest.chat(server.uri("/"), true, "Hello")) {
            assertThat(tooMany.readAll()).startsWith("HTTP/1.1 503").contains("\"overloaded\"");
        }
        for (RawRequest request : held) {
            request.close();
        }
        awaitOpen(simulator, 0);
    }

    private static void awaitSockets(int port, int max) throws Exception {
        long end = System.nanoTime() + CLOSE_TIMEOUT.toNanos();
        while (SocketTable.open(port) > max) {
            assertThat(System.nanoTime())
                    .as("%d sockets are open", SocketTable.open(port))
                    .isLessThan(end);
            Thread.sleep(20);
        }
    }

    private static void awaitOpen(OllamaSimulator simulator, int expected) {
        simulator.openExchangesOverTime().filter(open -> open == expected).blockFirst(Duration.ofSeconds(10));
    }
}
