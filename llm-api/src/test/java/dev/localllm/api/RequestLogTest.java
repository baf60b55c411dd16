package dev.localllm.api;

import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.Level;
import dev.localllm.ollama.simulator.Fault;
import dev.localllm.ollama.simulator.OllamaSimulator;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class RequestLogTest {

    private static final String LOG = "dev.localllm.api.request.RequestFilter";
    private static final String PATH = "/v1/chat/completions";
    private static final String HELLO = "{\"stream\":true,\"messages\":[{\"role\":\"user\",\"content\":\"Hello\"}]}";

    @RegisterExtension
    static final TestServers SERVERS = new TestServers();

    private final OllamaSimulator simulator = SERVERS.simulator();
    private final TestServer server = SERVERS.server();

    @Test
    void logsOneLinePerRequest() throws Exception {
        try (CapturedLog log = new CapturedLog(LOG, Level.INFO)) {
            HttpResponse<String> response = post(HELLO, "req-1");

            assertThat(response.headers().firstValue("x-request-id")).contains("req-1");
            assertThat(log.await("id=req-1 "))
                    .matches("id=req-1 client=[0-9a-f]{12} request=\"POST /v1/chat/completions\""
                            + " model=simulator:latest status=200 end=done prepare_ms=\\d+ first_ms=\\d+ total_ms=\\d+"
                            + " queue_ms=\\d+ load_ms=\\d+ gpu_ms=\\d+ prompt_ms=\\d+ generation_ms=\\d+"
                            + " prompt_tokens=\\d+ completion_tokens=\\d+");
            post("{\"messages\":5}", "req-2");
            assertThat(log.await("id=req-2 "))
                    .matches("id=req-2 client=[0-9a-f]{12} request=\"POST /v1/chat/completions\" model=- status=400"
                            + " end=invalid_request_error total_ms=\\d+");
            simulator.script(new Fault.SendsError(2));
            HttpResponse<String> failed = post(HELLO, "req-3");
            assertThat(log.await("id=req-3 "))
                    .contains(" status=200 end=upstream_failed ", " events=2 detail=\"Ollama failed: ");
            assertThat(failed.body()).contains("\"The model server failed. (request req-3)\"");
            assertThat(log.messages()).hasSize(3);
        }
    }

    @Test
    void preventsForgedLines() throws Exception {
        try (CapturedLog log = new CapturedLog(LOG, Level.INFO)) {
            assertThat(post(HELLO.replaceFirst("\\{", "{\"model\":\"x\\\\nid=forged\","), "forger")
                            .statusCode())
                    .isEqualTo(400);
            assertThat(log.await("id=forger ")).doesNotContain("forged");
        }
    }

    @Test
    void logsAClientThatLeavesBeforeItsBodyIsComplete() throws Exception {
        try (CapturedLog log = new CapturedLog("ROOT", Level.INFO)) {
            String request = RawRequest.chat(true, "Hello", "gone");
            RawRequest.open(server.uri("/"))
                    .send(request.substring(0, request.length() - 5))
                    .reset();

            assertThat(log.await("id=gone ")).contains("model=- status=- end=client_gone");
            assertThat(log.messages()).hasSize(1);
        }
    }

    @Test
    void logsNoProbes() throws Exception {
        try (CapturedLog log = new CapturedLog(LOG, Level.INFO)) {
            server.get("/health");
            server.get("/health/ready");
            post("{}", "after");
            log.await("id=after ");
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
                log.await("id=client-" + i);
            }
            List<String> clients = log.messages().stream()
                    .map(line -> line.replaceAll(".*client=(\\w+).*", "$1"))
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

    /** Checks all levels of all loggers, also for failures, whose messages often contain input. */
    @Test
    void neverLogsAPromptOrAnAnswer() throws Exception {
        String canary = "kanari";
        String chat = "{\"stream\":%b,\"messages\":[{\"role\":\"user\",\"content\":\"Repeat " + canary + "\"}]}";
        try (CapturedLog log = new CapturedLog("ROOT", Level.TRACE)) {
            assertThat(post(chat.formatted(true), "canary-1").body()).contains(canary);
            assertThat(post(chat.formatted(false), "canary-2").body()).contains(canary);
            for (Fault fault : List.of(
                    new Fault.SendsError(3),
                    new Fault.CutsLine(3),
                    new Fault.SendsGarbage(3),
                    new Fault.EndsEarly(3))) {
                simulator.script(fault);
                post(chat.formatted(true), "canary-3");
            }
            post(chat.formatted(true).replace("}]}", "}]"), "canary-4");
            post("{\"messages\":[{\"role\":\"user\",\"content\":\"" + canary + "\",\"x\":1}]}", "canary-5");
            post("{\"messages\":[{\"role\":\"user\",\"content\":{\"" + canary + "\":1}}]}", "canary-6");
            log.await("id=canary-6");

            assertThat(log.messages()).as("number of log messages").hasSizeGreaterThan(50);
            assertThat(log.messages()).noneMatch(line -> line.contains(canary));
        }
    }

    private HttpResponse<String> post(String body, String id) throws Exception {
        return server.send(HttpRequest.newBuilder(server.uri(PATH))
                .header("Content-Type", "application/json")
                .header("x-request-id", id)
                .POST(HttpRequest.BodyPublishers.ofString(body)));
    }
}
