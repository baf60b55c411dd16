package dev.localllm.api;

import static org.assertj.core.api.Assertions.assertThat;

import dev.localllm.ollama.CannedServer;
import java.net.URI;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

class HealthTest {

    @RegisterExtension
    static final TestServers SERVERS = new TestServers();

    private static final URI CLOSED = URI.create("http://127.0.0.1:19");
    private static final String REVISION = "0123456789abcdef0123456789abcdef01234567";

    @Test
    void isLiveAndReportsItsVersionWithoutOllama() throws Exception {
        TestServer server = SERVERS.serverFor(CLOSED, "--APP_REVISION=" + REVISION);
        HttpResponse<String> live = server.get("/health");
        assertThat(live.statusCode()).isEqualTo(200);
        JsonNode body = json(live);
        assertThat(body.path("status").asString()).isEqualTo("UP");
        assertThat(body.path("environment").asString()).isEqualTo("local");
        assertThat(body.path("revision").asString()).isEqualTo(REVISION);
        assertThat(body.path("version").asString()).matches("\\d+\\.\\d+\\.\\d+.*");

        HttpResponse<String> ready = server.get("/health/ready");
        assertThat(ready.statusCode()).isEqualTo(503);
        assertThat(json(ready).path("missing").path(0).asString())
                .isEqualTo("Ollama can't be reached: connection refused.");
    }

    @Test
    void isReadyWhenOllamaHasTheModel() throws Exception {
        TestServer server = SERVERS.server();
        HttpResponse<String> ready = server.get("/health/ready");
        assertThat(ready.statusCode()).isEqualTo(200);
        assertThat(json(ready).path("warnings").size()).isZero();
    }

    @Test
    void warnsOfAnUnsupportedOllama() throws Exception {
        byte[] old =
                "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n{\"version\":\"0.12.3\",\"models\":[{\"name\":\"simulator\"}]}"
                        .getBytes(StandardCharsets.UTF_8);
        try (CannedServer ollama = new CannedServer(old);
                ServerProcess server = new ServerProcess(ollama.baseUrl())) {
            try (RawRequest request = RawRequest.open(server.uri("/"))) {
                String ready = request.send("GET /health/ready HTTP/1.1\r\nHost: localhost\r\n\r\n")
                        .readAll();
                assertThat(ready)
                        .startsWith("HTTP/1.1 200")
                        .contains("\"warnings\":[\"Ollama 0.12.3 is older than 0.30");
            }
            assertThat(server.output()).containsOnlyOnce("Ollama 0.12.3 is older than 0.30");
        }
    }

    @Test
    void reportsTheMissingModel() throws Exception {
        TestServer server = SERVERS.server("--MODEL_NAME=qwen3:4b");
        HttpResponse<String> ready = server.get("/health/ready");
        assertThat(ready.statusCode()).isEqualTo(503);
        assertThat(ready.body()).contains("ollama pull qwen3:4b");
    }

    @Test
    void servesActuatorOnItsOwnPortOnly() throws Exception {
        TestServer server = SERVERS.serverFor(CLOSED, "--APP_REVISION=" + REVISION);
        assertThat(server.get("/actuator/health").statusCode()).isEqualTo(404);
        assertThat(server.send(HttpRequest.newBuilder(server.managementUri("/actuator/health/liveness")))
                        .statusCode())
                .isEqualTo(200);
    }

    @Test
    void listsOnlyAllowedModels() throws Exception {
        TestServer server = SERVERS.server("--ALLOWED_MODELS=fast=simulator", "--MODEL_NAME=fast");
        assertThat(json(server.get("/v1/models")).at("/data/0/id").asString()).isEqualTo("fast");
        assertThat(server.get("/v1/models/fast").statusCode()).isEqualTo(200);
        assertThat(server.get("/v1/models/simulator").statusCode()).isEqualTo(404);
        assertThat(server.get("/v1/models/a/b").statusCode()).isEqualTo(404);
        assertThat(server.get("/health/ready").statusCode()).isEqualTo(200);
    }

    private static JsonNode json(HttpResponse<String> response) {
        return JsonMapper.shared().readTree(response.body());
    }
}
