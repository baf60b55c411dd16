package dev.localllm.api;

import static org.assertj.core.api.Assertions.assertThat;

import dev.localllm.ollama.simulator.OllamaSimulator;
import dev.localllm.ollama.simulator.SimulatorSettings;
import java.io.IOException;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * Almost valid requests, also with schemas that are meant to do harm. The response is always in OpenAI's format, in
 * time, and never an internal error. Twenty times as many with {@code FULL=1}.
 */
@Timeout(1800)
class RequestFuzzTest {

    private static final int REQUESTS = "1".equals(System.getenv("FULL")) ? 100_000 : 5_000;
    private static final int CALLERS = 8;
    private static final int COSTLY_REQUESTS = 10;
    private static final long MEMORY_GROWTH_BYTES = 16 << 20;

    /** Of one request. */
    private static final Duration TIMEOUT = Duration.ofSeconds(10);

    private final long seed = Long.getLong("seed", System.nanoTime());

    @Test
    void neverMakesTheServerFail() throws Exception {
        System.out.println("RequestFuzzTest: " + REQUESTS + " requests, -Dseed=" + seed);
        Map<Integer, Integer> statuses = new TreeMap<>();
        try (OllamaSimulator simulator = OllamaSimulator.start(SimulatorSettings.unpaced());
                TestServer server = new TestServer(simulator.baseUrl(), "--MAX_BODY_SIZE=400KB");
                LeakWatch leaks = new LeakWatch();
                HttpClient client = HttpClient.newHttpClient();
                ExecutorService callers = Executors.newFixedThreadPool(CALLERS)) {
            fuzz(server, client, callers, REQUESTS / 10, seed - CALLERS).forEach((status, count) -> {});
            long before = usedMemory();
            statuses.putAll(fuzz(server, client, callers, REQUESTS, seed));
            long growth = usedMemory() - before;

            System.out.println("RequestFuzzTest: statuses " + statuses + ", memory grew by " + growth / 1024 + " KiB");
            assertThat(growth).isLessThan(MEMORY_GROWTH_BYTES);
            simulator.openExchangesOverTime().filter(open -> open == 0).blockFirst(Duration.ofSeconds(10));
            leaks.assertNone();
        }
        assertThat(statuses.keySet()).isSubsetOf(200, 400, 404, 413, 415, 502);
        assertThat(statuses).as("some of each").containsKeys(200, 400, 404, 413, 415, 502);
    }

    /** If the schemas were checked on event loops, a probe would take as long as one of them. */
    @Test
    void blocksNoEventLoopWithSchemas() throws Exception {
        String body = """
                {"messages":[{"role":"user","content":"Hi"}],"response_format":{"type":"json_schema","json_schema":
                {"name":"n","schema":%s}}}""".formatted(FuzzedSchemas.costly());
        try (OllamaSimulator simulator = OllamaSimulator.start(SimulatorSettings.unpaced());
                TestServer server = new TestServer(simulator.baseUrl());
                ExecutorService callers = Executors.newVirtualThreadPerTaskExecutor()) {
            HealthProbe probe = new HealthProbe(server.uri("/"));
            List<Future<HttpResponse<String>>> answers = new ArrayList<>();
            for (int i = 0; i < COSTLY_REQUESTS; i++) {
                answers.add(callers.submit(() -> server.post("/v1/chat/completions", body)));
            }
            Future<Integer> probed = callers.submit(probe);
            try {
                for (Future<HttpResponse<String>> answer : answers) {
                    assertThat(answer.get().headers().firstValue("x-schema-mismatch"))
                            .hasValue("it takes too long to check");
                }
            } finally {
                probe.stop();
            }

            System.out.println("RequestFuzzTest: " + probed.get() + " probes");
            assertThat(probed.get()).isGreaterThan(2 * COSTLY_REQUESTS);
        }
    }

    private static Map<Integer, Integer> fuzz(
            TestServer server, HttpClient client, ExecutorService callers, int requests, long seed) throws Exception {
        List<Future<Map<Integer, Integer>>> running = new ArrayList<>();
        for (int caller = 0; caller < CALLERS; caller++) {
            Random random = new Random(seed + caller);
            running.add(callers.submit(() -> {
                Map<Integer, Integer> statuses = new HashMap<>();
                for (int i = 0; i < requests / CALLERS; i++) {
                    statuses.merge(
                            send(server, client, random, "fuzz-" + i + "-" + random.hashCode()), 1, Integer::sum);
                }
                return statuses;
            }));
        }
        Map<Integer, Integer> all = new TreeMap<>();
        for (Future<Map<Integer, Integer>> caller : running) {
            caller.get().forEach((status, count) -> all.merge(status, count, Integer::sum));
        }
        return all;
    }

    private static int send(TestServer server, HttpClient client, Random random, String id) throws Exception {
        byte[] body = FuzzedBodies.any(random);
        HttpRequest request = HttpRequest.newBuilder(server.uri("/v1/chat/completions"))
                .header("Content-Type", random.nextInt(50) == 0 ? "text/plain" : "application/json")
                .header("x-request-id", id)
                .POST(HttpRequest.BodyPublishers.ofByteArray(body))
                .timeout(TIMEOUT)
                .build();
        String sent = new String(body, StandardCharsets.UTF_8);
        String shown = id + ": " + body.length + " bytes: " + sent.substring(0, Math.min(500, sent.length()));
        HttpResponse<String> response;
        try {
            response = client.send(request, HttpResponse.BodyHandlers.ofString());
        } catch (IOException e) {
            throw new AssertionError(shown, e);
        }
        int status = response.statusCode();
        if (status != 200) {
            assertIsError(response.body(), status, shown);
        } else if (response.body().startsWith("data: ")) {
            String end = response.body()
                    .substring(response.body().lastIndexOf("data: ") + 6)
                    .strip();
            if (!end.equals("[DONE]")) {
                assertIsError(end, 502, shown);
            }
        }
        return status;
    }

    private static void assertIsError(String body, int status, String shown) {
        JsonNode error = JsonMapper.shared().readTree(body).path("error");
        assertThat(error.path("message").asString("")).as(shown).isNotBlank();
        assertThat(error.path("type").asString(""))
                .as("%s: %s", shown, body)
                .isEqualTo(status < 500 ? "invalid_request_error" : "server_error");
        assertThat(error.has("param")).as(shown).isTrue();
        assertThat(error.has("code")).as(shown).isTrue();
        assertThat(body.length()).as(shown).isLessThan(2000);
        if (status >= 500) {
            // The simulator fails no request, but its answers follow only those keywords that a grammar follows.
            assertThat(error.path("code").asString(""))
                    .as("%s: %s %s", shown, status, body)
                    .isEqualTo("schema_not_honoured");
        }
    }

    private static long usedMemory() {
        for (int i = 0; i < 3; i++) {
            System.gc();
        }
        Runtime runtime = Runtime.getRuntime();
        return runtime.totalMemory() - runtime.freeMemory();
    }
}
