package dev.localllm.api;

import static org.assertj.core.api.Assertions.assertThat;

import dev.localllm.ollama.simulator.OllamaSimulator;
import dev.localllm.ollama.simulator.SimulatorSettings;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
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
 * Almost valid requests: a valid body with a few errors. The response is always in OpenAI's format and never an
 * internal error. Ten times as many with {@code FULL=1}.
 */
@Timeout(1800)
class RequestFuzzTest {

    private static final int REQUESTS = "1".equals(System.getenv("FULL")) ? 100_000 : 10_000;
    private static final int CALLERS = 8;
    private static final long MEMORY_GROWTH_BYTES = 16 << 20;
    private static final List<String> ODD_VALUES = List.of(
            "null",
            "true",
            "false",
            "0",
            "-1",
            "1.5",
            "1e400",
            "-0.0",
            "99999999999999999999",
            "NaN",
            "\"\"",
            "\"x\"",
            "[]",
            "{}",
            "[[]]",
            "[null]",
            "{\"a\":1}",
            "\"\\ud800\"",
            "\"\\u0000\"",
            "\"안녕 🙂\"",
            "'x'",
            "01",
            "+1",
            ".5");
    private static final List<String> NAMES = List.of(
            "model",
            "messages",
            "stream",
            "temperature",
            "top_p",
            "max_tokens",
            "max_completion_tokens",
            "stop",
            "seed",
            "frequency_penalty",
            "presence_penalty",
            "stream_options",
            "tools",
            "tool_choice",
            "response_format",
            "n",
            "logit_bias",
            "logprobs",
            "user",
            "metadata",
            "store",
            "functions",
            "modalities",
            "unheard_of",
            "");

    private final long seed = Long.getLong("seed", System.nanoTime());

    @Test
    void neverMakesTheServerFail() throws Exception {
        System.out.println("RequestFuzzTest: " + REQUESTS + " requests, -Dseed=" + seed);
        Map<Integer, Integer> statuses = new TreeMap<>();
        try (OllamaSimulator simulator = OllamaSimulator.start(SimulatorSettings.unpaced());
                TestServer server = new TestServer(simulator.baseUrl(), "--MAX_BODY_SIZE=64KB");
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
        assertThat(statuses.keySet()).isSubsetOf(200, 400, 404, 413, 415);
        assertThat(statuses).as("some of each").containsKeys(200, 400, 404, 413, 415);
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
        byte[] body = body(random);
        HttpRequest request = HttpRequest.newBuilder(server.uri("/v1/chat/completions"))
                .header("Content-Type", random.nextInt(50) == 0 ? "text/plain" : "application/json")
                .header("x-request-id", id)
                .POST(HttpRequest.BodyPublishers.ofByteArray(body))
                .timeout(Duration.ofSeconds(10))
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
        assertThat(status).as(shown).isLessThan(500);
        if (status != 200) {
            JsonNode error = JsonMapper.shared().readTree(response.body()).path("error");
            assertThat(error.path("message").asString("")).as(shown).isNotBlank();
            assertThat(error.path("type").asString("")).as(shown).isEqualTo("invalid_request_error");
            assertThat(error.has("param")).as(shown).isTrue();
            assertThat(error.has("code")).as(shown).isTrue();
            assertThat(response.body().length()).as(shown).isLessThan(2000);
        }
        return status;
    }

    private static byte[] body(Random random) {
        List<String> fields = new ArrayList<>();
        fields.add("\"messages\":" + messages(random));
        fields.add("\"max_tokens\":1");
        for (int i = random.nextInt(4); i > 0; i--) {
            fields.add(field(random));
        }
        String json = "{" + String.join(",", fields) + "}";
        byte[] bytes = json.getBytes(StandardCharsets.UTF_8);
        return random.nextInt(3) == 0 ? damaged(bytes, random) : bytes;
    }

    private static String messages(Random random) {
        return switch (random.nextInt(10)) {
            case 0 -> oddValue(random);
            case 1 -> "[" + oddValue(random) + "]";
            case 2 -> "[{\"role\":" + oddValue(random) + ",\"content\":\"Hi\"}]";
            case 3 -> "[{\"role\":\"user\",\"content\":" + oddValue(random) + "}]";
            case 4 -> "[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":" + oddValue(random) + "}]}]";
            default -> "[{\"role\":\"user\",\"content\":\"Hi " + random.nextInt() + "\"}]";
        };
    }

    private static String field(Random random) {
        String name = NAMES.get(random.nextInt(NAMES.size()));
        String value = switch (random.nextInt(4)) {
            case 0 -> "\"" + name + "\"";
            case 1 -> Integer.toString(random.nextInt(5));
            default -> oddValue(random);
        };
        return "\"" + name + "\":" + value;
    }

    private static String oddValue(Random random) {
        return switch (random.nextInt(40)) {
            case 0 -> "[".repeat(1 + random.nextInt(3000));
            case 1 -> "[".repeat(500) + "]".repeat(500);
            case 2 -> "{\"a\":".repeat(1 + random.nextInt(2000)) + "1" + "}".repeat(random.nextInt(2000));
            case 3 -> "\"" + "x".repeat(random.nextInt(100_000)) + "\"";
            case 4 -> "9".repeat(1 + random.nextInt(5000));
            default -> ODD_VALUES.get(random.nextInt(ODD_VALUES.size()));
        };
    }

    private static byte[] damaged(byte[] bytes, Random random) {
        int at = random.nextInt(bytes.length);
        byte[] damaged = bytes.clone();
        switch (random.nextInt(6)) {
            case 0 -> damaged[at] = (byte) random.nextInt(256);
            case 1 -> damaged[at] = (byte) 0xFF;
            case 2 -> damaged = Arrays.copyOf(damaged, at);
            case 3 -> damaged = joined(damaged, "{}".getBytes(StandardCharsets.UTF_8));
            case 4 -> damaged = joined(Arrays.copyOf(damaged, at), damaged);
            default -> damaged = joined(new byte[] {(byte) 0xEF, (byte) 0xBB, (byte) 0xBF}, damaged);
        }
        return damaged;
    }

    private static byte[] joined(byte[] first, byte[] second) {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        bytes.writeBytes(first);
        bytes.writeBytes(second);
        return bytes.toByteArray();
    }

    private static long usedMemory() {
        for (int i = 0; i < 3; i++) {
            System.gc();
        }
        Runtime runtime = Runtime.getRuntime();
        return runtime.totalMemory() - runtime.freeMemory();
    }
}
