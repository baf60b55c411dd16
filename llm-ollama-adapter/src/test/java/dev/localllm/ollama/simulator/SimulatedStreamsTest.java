package dev.localllm.ollama.simulator;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Faults and holds apply to lines of every kind. */
@Timeout(60)
class SimulatedStreamsTest {

    private static final String CALLS = """
            {"model":"simulator-thinking","messages":[{"role":"user","content":"Call one and two"}],"think":false,
             "tools":[{"type":"function","function":{"name":"one"}},{"type":"function","function":{"name":"two"}}]}""";

    private final OllamaSimulator simulator = OllamaSimulator.start(SimulatorSettings.unpaced());
    private final HttpClient client = HttpClient.newHttpClient();

    @AfterEach
    void close() {
        client.close();
        simulator.close();
    }

    @Test
    void endsEarlyAfterACall() throws Exception {
        simulator.script(new Fault.EndsEarly(1));

        assertThat(lines(CALLS)).hasSize(1).allMatch(line -> line.contains("\"name\":\"one\""));
    }

    @Test
    void sendsAnErrorAfterThinking() throws Exception {
        simulator.script(new Fault.SendsError(2));

        List<String> lines = lines(CALLS.replace("false", "\"high\""));

        assertThat(lines).hasSize(3);
        assertThat(lines.subList(0, 2)).allMatch(line -> line.contains("\"thinking\""));
        assertThat(lines.getLast()).startsWith("{\"error\":");
    }

    @Test
    void cutsACallInTheMiddle() throws Exception {
        simulator.script(new Fault.CutsLine(1));

        try (BufferedReader reader = open(CALLS)) {
            assertThat(reader.readLine()).contains("\"name\":\"one\"");
            assertThat(rest(reader)).startsWith("{\"model\"").doesNotContain("\"done\"");
        }
    }

    @Test
    void holdsEveryCall() throws Exception {
        Steps steps = simulator.hold();
        steps.release(1);
        try (BufferedReader reader = open(CALLS)) {
            assertThat(reader.readLine()).contains("\"name\":\"one\"");
            assertThat(reader.ready()).isFalse();
            steps.release(2);
            assertThat(reader.readLine()).contains("\"name\":\"two\"");
            assertThat(reader.readLine()).contains("\"done\":true");
        }
    }

    @Test
    void answersTheSameWithoutAStream() throws Exception {
        String request = CALLS.replace("false", "true,\"logprobs\":true");
        List<JsonNode> streamed =
                lines(request).stream().map(JsonMapper.shared()::readTree).toList();
        JsonNode whole = JsonMapper.shared()
                .readTree(lines(request.replace("\"think\"", "\"stream\":false,\"think\""))
                        .getFirst());

        assertThat(whole.at("/message/thinking").stringValue())
                .isEqualTo(String.join(
                        "",
                        streamed.stream()
                                .map(line -> line.at("/message/thinking").asString(""))
                                .toList()));
        assertThat(whole.at("/message/tool_calls").valueStream())
                .containsExactlyElementsOf(streamed.stream()
                        .flatMap(line -> line.at("/message/tool_calls").valueStream())
                        .toList())
                .hasSize(2);
        assertThat(whole.at("/logprobs").valueStream())
                .containsExactlyElementsOf(streamed.stream()
                        .flatMap(line -> line.at("/logprobs").valueStream())
                        .toList())
                .hasSize(whole.path("eval_count").intValue());
        assertThat(whole.path("eval_count")).isEqualTo(streamed.getLast().path("eval_count"));
    }

    private List<String> lines(String request) throws Exception {
        try (BufferedReader reader = open(request)) {
            return reader.readAllLines();
        }
    }

    private BufferedReader open(String request) throws Exception {
        HttpResponse<InputStream> response = client.send(
                HttpRequest.newBuilder(URI.create(simulator.baseUrl() + "/api/chat"))
                        .POST(HttpRequest.BodyPublishers.ofString(request))
                        .build(),
                HttpResponse.BodyHandlers.ofInputStream());
        return new BufferedReader(new InputStreamReader(response.body(), StandardCharsets.UTF_8));
    }

    /** What comes until the connection breaks. */
    private static String rest(BufferedReader reader) {
        StringBuilder rest = new StringBuilder();
        try {
            for (int c = reader.read(); c >= 0; c = reader.read()) {
                rest.append((char) c);
            }
        } catch (IOException broken) {
            return rest.toString();
        }
        return rest.toString();
    }
}
