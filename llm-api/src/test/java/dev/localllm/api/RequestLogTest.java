package dev.localllm.api;

import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.Level;
import dev.localllm.api.logging.LogFormat;
import dev.localllm.ollama.simulator.Fault;
import dev.localllm.ollama.simulator.OllamaSimulator;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

class RequestLogTest {

    private static final String LOG = "dev.localllm.api.request.RequestFilter";
    private static final String PATH = "/v1/chat/completions";
    private static final String HELLO = "{\"stream\":true,\"messages\":[{\"role\":\"user\",\"content\":\"Hello\"}]}";

    private static final String CANARY = "kanari";

    @RegisterExtension
    static final TestServers SERVERS = new TestServers();

    private final OllamaSimulator simulator = SERVERS.simulator();
    private final TestServer server = SERVERS.server();

    @Test
    void logsOneEventPerRequest() throws Exception {
        try (CapturedLog log = new CapturedLog(LOG, Level.INFO)) {
            HttpResponse<String> response = post(HELLO, "req-1");

            assertThat(response.headers().firstValue("x-request-id")).contains("req-1");
            assertThat(log.await(" id=req-1 "))
                    .matches("POST /v1/chat/completions 200 done id=req-1 client=[0-9a-f]{12} outcome=success"
                            + " model=simulator:latest total_ms=\\d+ prepare_ms=\\d+ first_ms=\\d+"
                            + " queue_ms=\\d+ load_ms=\\d+ gpu_ms=\\d+ prompt_ms=\\d+ generation_ms=\\d+"
                            + " input_tokens=\\d+ output_tokens=\\d+");
            post("{\"messages\":5}", "req-2");
            assertThat(log.await(" id=req-2 "))
                    .matches("POST /v1/chat/completions 400 invalid_request id=req-2 client=[0-9a-f]{12}"
                            + " outcome=failure total_ms=\\d+");
            simulator.script(new Fault.SendsError(2));
            HttpResponse<String> failed = post(HELLO, "req-3");
            assertThat(log.await(" id=req-3 "))
                    .startsWith("POST /v1/chat/completions 200 upstream_failed ")
                    .contains(" outcome=failure ", " events=2 detail=\"Ollama failed: ");
            assertThat(failed.body()).contains("\"The model server failed. (request req-3)\"");
            assertThat(log.messages()).hasSize(3);
        }
    }

    /** A process, as tests share the log of this one. */
    @Test
    void printsNothingButEcs() throws Exception {
        try (ServerProcess process = new ServerProcess(simulator.baseUrl(), "--LOG_FORMAT=ecs");
                RawRequest asked = RawRequest.open(process.uri("/"))) {
            asked.send(RawRequest.chat(true, "Hello", "ecs"));
            assertThat(asked.readUntil("[DONE]")).isTrue();
            process.terminate();
            process.exitCode();

            List<JsonNode> lines =
                    process.output().lines().map(JsonMapper.shared()::readTree).toList();
            assertThat(lines).hasSizeGreaterThan(1).allSatisfy(line -> {
                assertThat(line.path("@timestamp").asString())
                        .matches("\\d{4}(-\\d\\d){2}T(\\d\\d:){2}\\d\\d\\.\\d{3}Z");
                assertThat(line.path("ecs.version").asString()).isEqualTo("8.11");
                assertThat(line.path("service.name").asString()).isEqualTo("local-llm-server");
                assertThat(line.path("service.version").asString()).matches("\\d.*");
                assertThat(line.path("service.environment").asString()).isEqualTo("local");
                assertThat(line.path("log.level").asString()).isIn("INFO", "WARN");
                assertThat(line.path("log.logger").asString()).startsWith("dev.localllm.");
            });
            assertThat(lines.stream()
                            .filter(line ->
                                    line.path("http.request.id").asString("").equals("ecs")))
                    .singleElement()
                    .satisfies(line -> {
                        assertThat(line.path("message").asString()).isEqualTo("POST /v1/chat/completions 200 done");
                        assertThat(line.path("http.response.status_code").isInt())
                                .isTrue();
                        assertThat(line.path("event.outcome").asString()).isEqualTo("success");
                        assertThat(line.path("event.duration").asLong()).isGreaterThan(1_000_000);
                        assertThat(line.path("gen_ai.usage.output_tokens").asInt())
                                .isPositive();
                    });
        }
    }

    @Test
    void printsNothingButTextLocally() throws Exception {
        try (ServerProcess process = new ServerProcess(simulator.baseUrl());
                RawRequest asked = RawRequest.open(process.uri("/"))) {
            asked.send(RawRequest.chat(true, "Hello", "text"));
            assertThat(asked.readUntil("[DONE]")).isTrue();
            process.terminate();
            process.exitCode();

            assertThat(process.output().lines())
                    .hasSizeGreaterThan(1)
                    .allMatch(line -> line.matches("\\d{4}-\\S{19,24} +(INFO|WARN) \\[.+] [\\w.]+ : .*"))
                    .anyMatch(line -> line.contains(" : POST /v1/chat/completions 200 done id=text client="));
        }
    }

    @Test
    void preventsForgedLines() throws Exception {
        try (CapturedLog log = new CapturedLog(LOG, Level.INFO)) {
            assertThat(post(HELLO.replaceFirst("\\{", "{\"model\":\"x\\\\nid=forged\","), "forger")
                            .statusCode())
                    .isEqualTo(400);
            assertThat(log.await(" id=forger ")).doesNotContain("forged");
        }
    }

    @Test
    void logsAClientThatLeavesBeforeItsBodyIsComplete() throws Exception {
        try (CapturedLog log = new CapturedLog("ROOT", Level.INFO)) {
            String request = RawRequest.chat(true, "Hello", "gone");
            RawRequest.open(server.uri("/"))
                    .send(request.substring(0, request.length() - 5))
                    .reset();

            assertThat(log.await(" id=gone "))
                    .startsWith("POST /v1/chat/completions - client_gone ")
                    .contains(" outcome=unknown ")
                    .doesNotContain(" model=");
            assertThat(log.messages()).hasSize(1);
        }
    }

    @Test
    void logsNoProbes() throws Exception {
        try (CapturedLog log = new CapturedLog(LOG, Level.INFO)) {
            server.get("/health");
            server.get("/health/ready");
            server.send(HttpRequest.newBuilder(server.managementUri("/actuator/prometheus")));
            post("{}", "after");
            log.await(" id=after ");
            assertThat(log.messages()).hasSize(1);
        }
    }

    @Test
    void distinguishesClientsWithoutNamingThem() throws Exception {
        try (CapturedLog log = new CapturedLog(LOG, Level.INFO)) {
            List<String> names = List.of("ann", "ann", "bob");
            for (int i = 0; i < names.size(); i++) {
                server.send(HttpRequest.newBuilder(server.uri("/v1/models"))
                        .header("X-Client-Id", names.get(i))
                        .header("x-request-id", "client-" + i));
            }
            for (int i = 0; i < 3; i++) {
                log.await(" id=client-" + i);
            }
            List<String> clients = log.messages().stream()
                    .map(line -> line.replaceAll(".* client=(\\w+).*", "$1"))
                    .toList();
            assertThat(clients.get(0)).isEqualTo(clients.get(1)).isNotEqualTo(clients.get(2));
            assertThat(log.messages()).noneMatch(line -> line.contains("ann") || line.contains("bob"));
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"with space", "a;b", "안녕"})
    void replacesAnInvalidId(String odd) throws Exception {
        try (RawRequest request = RawRequest.open(server.uri("/"))) {
            request.send("GET /health HTTP/1.1\r\nHost: localhost\r\nx-request-id: " + odd + "\r\n\r\n");
            assertThat(request.readAll()).containsPattern("x-request-id: [0-9a-f]{32}\r\n");
        }
        assertThat(post(HELLO, "x".repeat(129))
                        .headers()
                        .firstValue("x-request-id")
                        .orElse(""))
                .matches("[0-9a-f]{32}");
    }

    /** Checks all levels of all loggers in both formats, also for failures, whose messages often contain input. */
    @Test
    void neverLogsAPromptOrAnAnswer() throws Exception {
        String chat = "{\"stream\":%b,\"messages\":[{\"role\":\"user\",\"content\":\"Repeat " + CANARY + "\"}]}";
        try (CapturedLog log = new CapturedLog("ROOT", Level.TRACE);
                CapturedLog own = new CapturedLog("dev.localllm", Level.TRACE)) { // has a level of its own
            assertThat(post(chat.formatted(true), "canary-1").body()).contains(CANARY);
            assertThat(post(chat.formatted(false), "canary-2").body()).contains(CANARY);
            for (Fault fault : List.of(
                    new Fault.SendsError(3),
                    new Fault.CutsLine(3),
                    new Fault.SendsGarbage(3),
                    new Fault.EndsEarly(3))) {
                simulator.script(fault);
                post(chat.formatted(true), "canary-3");
            }
            post(chat.formatted(true).replace("}]}", "}]"), "canary-4");
            post("{\"messages\":[{\"role\":\"user\",\"content\":\"" + CANARY + "\",\"x\":1}]}", "canary-5");
            post("{\"messages\":[{\"role\":\"user\",\"content\":{\"" + CANARY + "\":1}}]}", "canary-6");
            log.await(" id=canary-6 ");

            assertNoCanary(log);
            assertThat(own.events()).isNotEmpty();
        }
    }

    @Test
    void neverLogsWhatOtherRoutesAndToolsGet() throws Exception {
        String call = "{\"id\":\"c\",\"type\":\"function\",\"function\":{\"name\":\"f\",\"arguments\":\"{\\\"a\\\":\\\""
                + CANARY + "\\\"}\"}}";
        String called = "{\"messages\":[{\"role\":\"user\",\"content\":\"Go\"},{\"role\":\"assistant\",\"tool_calls\":["
                + call + "]},{\"role\":\"tool\",\"tool_call_id\":\"c\",\"content\":\"" + CANARY + "\"}]}";
        try (CapturedLog log = new CapturedLog("ROOT", Level.TRACE);
                CapturedLog own = new CapturedLog("dev.localllm", Level.TRACE)) { // has a level of its own
            assertThat(post(called, "tool").body()).contains(CANARY);
            assertThat(post("/v1/responses", "{\"input\":\"Repeat " + CANARY + "\"}", "response")
                            .body())
                    .contains(CANARY);
            assertThat(post("/v1/completions", "{\"prompt\":\"Repeat " + CANARY + "\"}", "completion")
                            .statusCode())
                    .isEqualTo(200);
            assertThat(post(
                                    "/v1/embeddings",
                                    "{\"model\":\"simulator-embed\",\"input\":\"" + CANARY + "\"}",
                                    "embedding")
                            .statusCode())
                    .isEqualTo(200);
            for (String path : List.of("/v1/responses", "/v1/completions", "/v1/embeddings")) {
                simulator.script(new Fault.SendsGarbage(0));
                post(path, "{\"input\":\"" + CANARY + "\",\"prompt\":\"" + CANARY + "\"}", "garbage");
                post(path, "{\"input\":{\"" + CANARY + "\":1},\"prompt\":{\"" + CANARY + "\":1}}", "refused");
                simulator.clearFaults();
            }
            post(PATH, "{}", "last");
            log.await(" id=last ");

            assertNoCanary(log);
            assertThat(own.events()).isNotEmpty();
        }
    }

    private static void assertNoCanary(CapturedLog log) {
        assertThat(log.messages()).as("number of log messages").hasSizeGreaterThan(50);
        assertThat(log.messages()).noneMatch(line -> line.contains(CANARY));
        assertThat(log.events())
                .noneMatch(event -> event.getMDCPropertyMap().toString().contains(CANARY)
                        || String.valueOf(event.getKeyValuePairs()).contains(CANARY));
        for (LogFormat format : LogFormat.values()) {
            assertThat(log.printed(format))
                    .hasSizeGreaterThan(50)
                    .noneMatch(line -> line.isEmpty() || line.contains(CANARY));
        }
    }

    private HttpResponse<String> post(String body, String id) throws Exception {
        return post(PATH, body, id);
    }

    /** With the canary as the key, in both headers in which clients send theirs. */
    private HttpResponse<String> post(String path, String body, String id) throws Exception {
        return server.send(HttpRequest.newBuilder(server.uri(path))
                .header("Content-Type", "application/json")
                .header("Authorization", "Bearer " + CANARY)
                .header("x-api-key", CANARY)
                .header("x-request-id", id)
                .POST(HttpRequest.BodyPublishers.ofString(body)));
    }
}
