package dev.localllm.api;

import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.Level;
import dev.localllm.ollama.simulator.Fault;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** What requests cost, told to their clients and to operators. */
class UsageTest {

    @RegisterExtension
    static final TestServers SERVERS = new TestServers();

    private final TestServer server = SERVERS.server("--MODEL_NAME=simulator");

    @Test
    void tellsTheCostInTheResponse() throws Exception {
        JsonNode nonStreaming = json(chat("ann", false, "Answer in 50 tokens")).path("usage");
        String stream = chat("ann", true, "Answer in 50 tokens").body();
        String lastFrame = stream.substring(0, stream.lastIndexOf("data: [DONE]"));
        JsonNode streamed = JsonMapper.shared()
                .readTree(lastFrame.substring(lastFrame.lastIndexOf("data: ") + "data: ".length()))
                .path("usage");

        for (JsonNode usage : List.of(nonStreaming, streamed)) {
            assertThat(usage.propertyNames())
                    .containsExactly(
                            "prompt_tokens",
                            "completion_tokens",
                            "total_tokens",
                            "queue_time",
                            "load_time",
                            "prompt_time",
                            "completion_time");
            assertThat(usage.path("completion_tokens").asInt()).isEqualTo(50);
            assertThat(usage.path("completion_time").asDouble()).isEqualTo(0.1); // 2 ms for each token
            assertThat(usage.path("prompt_time").asDouble()).isEqualTo(0.002);
            assertThat(usage.path("queue_time").asDouble()).isBetween(0.0, 5.0);
        }
    }

    @Test
    void tellsEachClientItsOwnSums() throws Exception {
        assertThat(chat("bob", false, "Answer in 5 tokens").statusCode()).isEqualTo(200);
        assertThat(chat("bob", false, "Answer in 6 tokens").statusCode()).isEqualTo(200);
        post("bob", "{\"messages\":5}");
        SERVERS.simulator().script(new Fault.SendsError(1));
        chat("bob", false, "Answer in 7 tokens");

        JsonNode bob = usage("bob");
        assertThat(bob.path("object").asString()).isEqualTo("usage");
        assertThat(bob.path("since").asLong()).isBetween(1L, System.currentTimeMillis() / 1000);
        assertThat(bob.path("requests").asInt()).isEqualTo(4);
        assertThat(bob.path("refused").asInt()).isEqualTo(1);
        assertThat(bob.path("failed").asInt()).isEqualTo(1);
        assertThat(bob.path("aborted").asInt()).isZero();
        assertThat(bob.path("completion_tokens").asInt()).isEqualTo(11);
        assertThat(bob.path("prompt_tokens").asInt()).isPositive();
        assertThat(bob.path("gpu_seconds").asDouble()).isPositive();
        assertThat(usage("nobody").path("requests").asInt()).isZero();
    }

    @Test
    void countsClientsThatLeave() throws Exception {
        SERVERS.simulator().script(new Fault.Stalls(1));
        try (CapturedLog log = new CapturedLog("dev.localllm.api.request.RequestFilter", Level.INFO)) {
            String text = RawRequest.chat(true, "Hello", "leaves").replace("Host:", "X-Client-Id: leaver\r\nHost:");
            RawRequest request = RawRequest.open(server.uri("/")).send(text);
            assertThat(request.readUntil("\"delta\":{\"content\"")).isTrue();
            request.close();
            assertThat(log.await("id=leaves "))
                    .contains(" client_gone id=leaves ", " outcome=unknown ", " queue_ms=", " gpu_ms=");
        }

        assertThat(usage("leaver").path("aborted").asInt()).isOne();
    }

    @Test
    void tellsOperatorsAllClientsWithoutNames() throws Exception {
        chat("cid", false, "Answer in 5 tokens");
        chat("dan", false, "Answer in 900 tokens");

        HttpResponse<String> report = server.send(HttpRequest.newBuilder(server.managementUri("/actuator/usage")));

        JsonNode clients = json(report).path("clients");
        assertThat(clients.size()).isGreaterThanOrEqualTo(2);
        assertThat(clients.values())
                .allSatisfy(
                        client -> assertThat(client.path("client").asString()).matches("[0-9a-f]{12}"));
        List<Double> gpu = clients.values().stream()
                .map(client -> client.path("gpu_seconds").asDouble())
                .toList();
        assertThat(gpu).isSortedAccordingTo((a, b) -> Double.compare(b, a));
        assertThat(json(report).path("others").path("requests").asInt()).isZero();
        assertThat(report.body()).doesNotContain("cid", "dan");
        assertThat(server.get("/actuator/usage").statusCode()).isEqualTo(404);
    }

    private JsonNode usage(String client) throws Exception {
        return json(server.send(HttpRequest.newBuilder(server.uri("/v1/usage")).header("X-Client-Id", client)));
    }

    private HttpResponse<String> chat(String client, boolean stream, String question) throws Exception {
        return post(client, """
                {"messages":[{"role":"user","content":"%s"}],"stream":%s,"stream_options":{"include_usage":%s}}""".formatted(question, stream, stream)
                .replace(stream ? "" : ",\"stream_options\":{\"include_usage\":false}", ""));
    }

    private HttpResponse<String> post(String client, String body) throws Exception {
        return server.send(HttpRequest.newBuilder(server.uri("/v1/chat/completions"))
                .header("Content-Type", "application/json")
                .header("X-Client-Id", client)
                .POST(HttpRequest.BodyPublishers.ofString(body)));
    }

    private static JsonNode json(HttpResponse<String> response) {
        return JsonMapper.shared().readTree(response.body());
    }
}
