package dev.localllm.api;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import ch.qos.logback.classic.Level;
import dev.localllm.ollama.simulator.Fault;
import dev.localllm.ollama.simulator.OllamaSimulator;
import java.net.ServerSocket;
import java.net.URI;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Compares a scrape with what a mixed load has caused, and with docs/metrics.md. */
class MetricsTest {

    @RegisterExtension
    static final TestServers SERVERS = new TestServers();

    private static final String DURATIONS = "gen_ai_server_request_duration_seconds_count";
    private static final String CHAT = "/v1/chat/completions";
    private static final Path PAGE = Path.of("../docs/metrics.md");
    private static final Pattern ROW = Pattern.compile("\\| `(\\w+)` \\| (histogram|gauge|counter) \\|([^|]*)\\|.*");
    private static final List<String> OF_SPRING_BOOT =
            List.of("jvm_", "process_", "system_", "logback_", "application_");

    private final OllamaSimulator simulator = SERVERS.simulator();

    /** Counted from the responses. */
    private int answers;

    private int inputTokens;
    private int outputTokens;

    @Test
    void countsAMixedLoad() throws Exception {
        TestServer server = SERVERS.server(
                "--OLLAMA_NUM_PARALLEL=1",
                "--QUEUE_PER_CLIENT=2",
                "--HEARTBEAT_INTERVAL=50ms",
                "--MODEL_NAME=simulator",
                "--WARM_UP=false",
                "--BODY_BUDGET=4MB",
                "--MAX_BODY_SIZE=1MB");
        Scrape before = Scrape.of(server);
        assertThat(before.sum("llm_refusals_total") + before.sum("llm_upstream_failures_total"))
                .isZero();
        assertThat(before.has("llm_refusals_total", "reason=queue_timeout")).isTrue();

        for (int tokens = 1; tokens <= 3; tokens++) {
            answered(server.post(CHAT, chat(tokens)));
            answered(server.post(CHAT, streamed(tokens)));
        }
        answered(server.post("/v1/responses", "{\"input\":\"Answer in 4 tokens\"}"));
        assertThat(server.post("/v1/completions", "{\"prompt\":\"Hi\",\"max_tokens\":2}")
                        .statusCode())
                .isEqualTo(200);
        JsonNode embedded =
                json(server.post("/v1/embeddings", "{\"model\":\"simulator-embed\",\"input\":[\"a b\",\"c\"]}"));
        server.post(CHAT, "{\"messages\":5}");
        server.post(CHAT, "{\"model\":\"none\"," + chat(1).substring(1));
        fail(server, new Fault.SendsError(1));
        fail(server, new Fault.SendsError(0));
        fail(server, new Fault.EndsEarly(1));
        Scrape during = queue(server);

        SERVERS.awaitOpen(0);
        int requests = answers + 1 + 1 + 2 + 3 + 1 + 3;
        Scrape after = Scrape.await(
                server,
                scrape -> scrape.sum(DURATIONS) == requests
                        && scrape.sum("llm_permits_busy") + scrape.sum("llm_memory_used_bytes") == 0);
        Files.createDirectories(Path.of("target/scrape"));
        Files.writeString(Path.of("target/scrape/mixed-load.txt"), after.text());
        Files.writeString(Path.of("target/scrape/mixed-load.openmetrics"), Scrape.openMetricsOf(server));

        assertThat(during.sum("llm_queue_waiting", "queue=generation")).isEqualTo(2);
        assertThat(during.sum("llm_permits_busy", "queue=generation")).isOne();
        assertThat(during.sum("llm_queue_waiting", "queue=embedding")).isZero();
        assertThat(during.sum("llm_memory_used_bytes", "budget=bodies")).isPositive();
        assertThat(after.sum("llm_queue_waiting") + after.sum("llm_permits_busy"))
                .isZero();
        assertThat(after.sum("llm_memory_used_bytes")).isZero();
        assertThat(after.sum("llm_memory_limit_bytes", "budget=bodies")).isEqualTo(4 << 20);

        assertThat(after.sum(DURATIONS, "gen_ai_operation_name=chat", "error_type="))
                .isEqualTo(answers);
        assertThat(after.sum(DURATIONS, "gen_ai_operation_name=text_completion", "error_type="))
                .isOne();
        assertThat(after.sum(
                        DURATIONS, "gen_ai_operation_name=embeddings", "gen_ai_request_model=simulator-embed:latest"))
                .isOne();
        assertThat(after.sum(DURATIONS, "error_type=invalid_request", "gen_ai_request_model="))
                .isOne();
        assertThat(after.sum(DURATIONS, "error_type=model_not_found", "gen_ai_request_model=other"))
                .isOne();
        assertThat(after.sum(DURATIONS, "error_type=client_gone", "gen_ai_request_model=simulator:latest"))
                .isEqualTo(3);

        assertThat(after.sum("llm_refusals_total", "reason=invalid_request")).isOne();
        assertThat(after.sum("llm_refusals_total", "reason=overloaded")).isOne();
        assertThat(after.sum("llm_refusals_total")).isEqualTo(2);
        assertThat(after.sum("llm_upstream_failures_total", "kind=upstream_failed"))
                .isEqualTo(2);
        assertThat(after.sum("llm_upstream_failures_total", "kind=upstream_protocol_error"))
                .isOne();
        assertThat(after.sum("llm_upstream_failures_total")).isEqualTo(3);
        assertThat(after.sum("llm_aborts_total", "reason=client_gone", "phase=generation"))
                .isOne();
        assertThat(after.sum("llm_aborts_total", "reason=client_gone", "phase=queue"))
                .isEqualTo(2);
        assertThat(after.sum("llm_aborts_total")).isEqualTo(3);

        String tokens = "gen_ai_client_token_usage_sum";
        assertThat(after.sum(tokens, "gen_ai_operation_name=chat", "gen_ai_token_type=output"))
                .isEqualTo(outputTokens);
        assertThat(after.sum(tokens, "gen_ai_operation_name=chat", "gen_ai_token_type=input"))
                .isEqualTo(inputTokens);
        assertThat(after.sum(tokens, "gen_ai_operation_name=text_completion", "gen_ai_token_type=output"))
                .isEqualTo(2);
        assertThat(after.sum(tokens, "gen_ai_operation_name=embeddings"))
                .isEqualTo(embedded.path("usage").path("prompt_tokens").asInt());
        // Also of two failed answers and one aborted one.
        assertThat(after.sum("gen_ai_server_time_to_first_token_seconds_count", "gen_ai_operation_name=chat"))
                .isEqualTo(answers + 3);
        // 2 ms for each token
        assertThat(after.sum("gen_ai_server_time_per_output_token_seconds_sum", "gen_ai_operation_name=chat"))
                .isCloseTo(0.002 * answers, within(1e-6));

        assertThat(after.sum("llm_queue_wait_seconds_count", "queue=embedding")).isOne();
        assertThat(after.sum("llm_queue_wait_seconds_count", "queue=generation"))
                .isEqualTo(answers + 1 + 1 + 3 + 3); // with the unknown model
        assertThat(after.sum("llm_queue_wait_seconds_sum", "queue=generation")).isPositive();
        assertThat(after.sum("llm_model_loads_total", "model=simulator:latest", "outcome=loaded"))
                .isPositive();
        assertThat(after.sum("llm_gpu_seconds_total")).isCloseTo(gpuSeconds(server), within(0.01));
        assertThat(after.has("llm_build_info", "environment=local", "revision=unknown"))
                .isTrue();
        assertThat(own(after)).containsExactlyInAnyOrderEntriesOf(withMaximums(documented()));
    }

    /** One request runs, two wait and leave, one is refused; then the first one leaves. */
    private Scrape queue(TestServer server) throws Exception {
        simulator.script(new Fault.Stalls(1));
        try (CapturedLog log = new CapturedLog("dev.localllm.api.request.RequestFilter", Level.INFO)) {
            Scrape during;
            try (RawRequest running = send(server, "runs")) {
                assertThat(running.readUntil("\"content\"")).isTrue();
                try (RawRequest first = send(server, "waits-1");
                        RawRequest second = send(server, "waits-2")) {
                    assertThat(first.readUntil(": queue position=")).isTrue();
                    assertThat(second.readUntil(": queue position=")).isTrue();
                    assertThat(server.post(CHAT, chat(1)).statusCode()).isEqualTo(503);
                    during = Scrape.of(server);
                }
                log.await("waits-1");
                log.await("waits-2");
            }
            log.await("runs");
            return during;
        }
    }

    private static RawRequest send(TestServer server, String id) throws Exception {
        return RawRequest.open(server.uri("/")).send(RawRequest.chat(true, "Hello", id));
    }

    private void fail(TestServer server, Fault fault) throws Exception {
        simulator.script(fault);
        assertThat(server.post(CHAT, streamed(5)).body()).contains("\"error\"");
    }

    @Test
    void showsAnOpenCircuit() throws Exception {
        URI nobody;
        try (ServerSocket socket = new ServerSocket(0)) {
            nobody = URI.create("http://127.0.0.1:" + socket.getLocalPort());
        }
        TestServer server = SERVERS.serverFor(nobody, "--MODEL_NAME=simulator", "--WARM_UP=false");
        assertThat(Scrape.of(server).sum("llm_circuits_open")).isZero();
        for (int i = 0; i < 12; i++) {
            server.post(CHAT, chat(1));
        }

        Scrape scrape = Scrape.await(server, s -> s.sum(DURATIONS) == 12);
        assertThat(scrape.sum("llm_circuits_open", "scope=server")).isOne();
        assertThat(scrape.sum("llm_circuit_openings_total", "scope=server")).isOne();
        assertThat(scrape.sum("llm_circuits_open", "scope=model")).isZero();
        assertThat(scrape.sum("llm_upstream_failures_total", "kind=upstream_unavailable"))
                .isEqualTo(12);
        assertThat(scrape.sum("llm_model_loads_total")).isZero();
    }

    @Test
    void isNotServedOnTheApisPort() throws Exception {
        TestServer server = SERVERS.server();
        for (String path : List.of("/actuator", "/actuator/prometheus", "/actuator/metrics", "/metrics")) {
            assertThat(server.get(path).statusCode()).as(path).isEqualTo(404);
        }
    }

    /** Metrics have no labels for clients. */
    @Test
    void namesNoClientAndNoText() throws Exception {
        TestServer server = SERVERS.server("--QUEUE_PER_CLIENT=3"); // used by no other test
        HttpResponse<String> answer = server.send(HttpRequest.newBuilder(server.uri(CHAT))
                .header("Content-Type", "application/json")
                .header("X-Client-Id", "kanari-client")
                .header("Authorization", "Bearer kanari-token")
                .header("x-api-key", "kanari-key")
                .POST(HttpRequest.BodyPublishers.ofString(
                        "{\"messages\":[{\"role\":\"user\",\"content\":\"Repeat kanari\"}]}")));
        assertThat(answer.body()).contains("kanari");
        server.post(CHAT, "{\"model\":\"kanari-model\"," + chat(1).substring(1));

        Scrape scrape = Scrape.await(server, s -> s.sum(DURATIONS) == 2);
        assertThat(scrape.text()).doesNotContain("kanari");
    }

    private static Map<String, Set<String>> own(Scrape scrape) {
        Map<String, Set<String>> own = new TreeMap<>(scrape.metrics());
        own.keySet().removeIf(name -> OF_SPRING_BOOT.stream().anyMatch(name::startsWith));
        return own;
    }

    /** Each histogram also has a gauge with its maximum. */
    private static Map<String, Set<String>> withMaximums(Map<String, Set<String>> documented) {
        Map<String, Set<String>> expected = new TreeMap<>(documented);
        documented.forEach((metric, labels) -> {
            if (metric.endsWith(" histogram")) {
                expected.put(metric.replace(" histogram", "_max gauge"), labels);
            }
        });
        return expected;
    }

    private static Map<String, Set<String>> documented() throws Exception {
        Map<String, Set<String>> documented = new TreeMap<>();
        for (String line : Files.readAllLines(PAGE)) {
            Matcher row = ROW.matcher(line);
            if (row.matches()) {
                Set<String> labels = new TreeSet<>(
                        Arrays.asList(row.group(3).replaceAll("[` ]", "").split(",")));
                labels.remove("");
                documented.put(row.group(1) + " " + row.group(2), labels);
            }
        }
        return documented;
    }

    private void answered(HttpResponse<String> response) {
        assertThat(response.statusCode()).isEqualTo(200);
        String body = response.body();
        JsonNode usage = json(body.startsWith("data: ")
                        ? body.lines()
                                .filter(line -> line.contains("\"usage\":{"))
                                .findFirst()
                                .orElseThrow()
                                .substring("data: ".length())
                        : body)
                .path("usage");
        answers++;
        inputTokens +=
                usage.path("prompt_tokens").asInt() + usage.path("input_tokens").asInt();
        outputTokens += usage.path("completion_tokens").asInt()
                + usage.path("output_tokens").asInt();
    }

    /** As the usage of the only client tells it. */
    private static double gpuSeconds(TestServer server) throws Exception {
        return json(server.get("/v1/usage")).path("gpu_seconds").asDouble();
    }

    private static String chat(int tokens) {
        return "{\"messages\":[{\"role\":\"user\",\"content\":\"Answer in " + tokens + " tokens\"}]}";
    }

    private static String streamed(int tokens) {
        return "{\"stream\":true,\"stream_options\":{\"include_usage\":true},"
                + chat(tokens).substring(1);
    }

    private static JsonNode json(HttpResponse<String> response) {
        return json(response.body());
    }

    private static JsonNode json(String text) {
        return JsonMapper.shared().readTree(text);
    }
}
