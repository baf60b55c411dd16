package dev.localllm.ollama.simulator;

import static org.assertj.core.api.Assertions.assertThat;

import dev.localllm.ollama.Recording;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** The simulator responds to recorded requests like the real Ollama. */
class SimulatorRecordingsTest {

    /** Refusals for which the simulator has another text, and why. */
    private static final Map<String, String> OTHER_TEXT = Map.of(
            "07-long-no-truncate", "counts tokens in its own way",
            "07-long-no-truncate-stream", "counts tokens in its own way",
            "07-malformed-json-2", "Go's parser names the character");

    /** Requests that the simulator treats differently, and why. */
    private static final Set<String> LEFT_OUT = Set.of(
            // values that this server's client doesn't send
            "02-chat-debug-render",
            "05-generate-raw",
            "05-generate-raw-template",
            "06-embeddings-old-unknown",
            // needs a cloud, a broken file, a killed runner, or a full queue; faults simulate these
            "07-cloud-model",
            "07-bad-model-name",
            "10-queue-full-503",
            "10-queue-full-503-b",
            "11-runner-killed-chat-nonstream",
            "13-blob-missing",
            "13-blob-missing-after-restart",
            "13-load-fails",
            // Go's router and its host check
            "07-trailing-slash",
            "07-double-slash",
            "07-host-foreign",
            "16-host-container-name",
            "16-no-host",
            "07-options",
            "10-cors-origins-set-other");

    private final OllamaSimulator simulator = OllamaSimulator.start(SimulatorSettings.unpaced());
    private final HttpClient client = HttpClient.newHttpClient();

    @AfterEach
    void close() {
        client.close();
        simulator.close();
    }

    static Stream<String> refusals() {
        return Stream.of("POST /api/", "GET /api/")
                .flatMap(route -> Recording.of(route).stream())
                .filter(name -> Recording.load(name).status() >= 400 && !LEFT_OUT.contains(name));
    }

    @ParameterizedTest
    @MethodSource("refusals")
    void refusesWithTheSameText(String name) throws Exception {
        Recording recording = Recording.load(name);
        HttpResponse<String> response = replay(recording);

        assertThat(response.statusCode()).isEqualTo(recording.status());
        assertThat(mediaType(response))
                .isEqualTo(recording.headers().get("content-type").split(";", 2)[0]);
        if (!OTHER_TEXT.containsKey(name)) {
            assertThat(response.body())
                    .isEqualTo(renamed(new String(recording.body(), StandardCharsets.UTF_8))
                            .strip());
        }
    }

    static Stream<String> answers() {
        Stream<String> generated = Stream.of("POST /api/chat", "POST /api/generate")
                .flatMap(route -> Recording.of(route).stream())
                .filter(name -> name.matches("0[2-5]-.*"))
                .filter(name -> Recording.load(name).status() == 200 && !LEFT_OUT.contains(name));
        return Stream.concat(
                generated,
                Stream.of(
                        "01-version",
                        "01-tags",
                        "01-ps-empty",
                        "01-show",
                        "01-show-name-field",
                        "01-chat-load",
                        "01-chat-load-stream",
                        "01-generate-load",
                        "06-embed-string",
                        "06-embed-array",
                        "06-embed-dimensions",
                        "06-embed-too-long",
                        "06-embed-empty-string",
                        "06-embed-empty-array",
                        "06-embed-missing-input",
                        "07-content-null",
                        "07-unknown-role",
                        "08-unload-chat",
                        "08-unload-generate"));
    }

    @ParameterizedTest
    @MethodSource("answers")
    void respondsWithTheSameFields(String name) throws Exception {
        Recording recording = Recording.load(name);
        HttpResponse<String> response = replay(recording);
        List<String> lines = response.body().lines().toList();

        assertThat(response.statusCode()).isEqualTo(200);
        assertThat(mediaType(response))
                .isEqualTo(recording.headers().get("content-type").split(";", 2)[0]);
        assertThat(lines.size() > 1).isEqualTo(recording.lines().size() > 1);
        assertThat(shapes(lines)).isEqualTo(shapes(recording.lines()));
    }

    @Test
    void saysWhatAModelCanDo() throws Exception {
        Recording recording = Recording.load("01-show-tools-model");

        assertThat(capabilities(replay(recording).body()))
                .isEqualTo(capabilities(recording.lines().getFirst()));
    }

    @Test
    void listsLoadedModels() throws Exception {
        replay(Recording.load("02-chat-nonstream"));

        HttpResponse<String> response = replay(Recording.load("01-ps-loaded"));

        assertThat(shape(response.body()))
                .isEqualTo(shape(Recording.load("01-ps-loaded").lines().getFirst()));
        replay(Recording.load("08-unload-chat"));
        assertThat(replay(Recording.load("01-ps-empty")).body()).isEqualTo("{\"models\":[]}");
    }

    @ParameterizedTest
    @ValueSource(strings = {"01-root-get", "01-root-head", "01-version-head"})
    void answersHeadAndRoot(String name) throws Exception {
        Recording recording = Recording.load(name);
        HttpResponse<String> response = replay(recording);

        assertThat(response.statusCode()).isEqualTo(recording.status());
        assertThat(mediaType(response))
                .isEqualTo(recording.headers().get("content-type").split(";", 2)[0]);
        assertThat(response.body().isEmpty()).isEqualTo(name.endsWith("head"));
    }

    private static JsonNode capabilities(String show) {
        return JsonMapper.shared().readTree(show).path("capabilities");
    }

    private HttpResponse<String> replay(Recording recording) throws Exception {
        String request = new String(recording.request(), StandardCharsets.UTF_8);
        String[] line = request.split(" ", 3);
        String body = naming(renamed(new String(recording.requestBody(), StandardCharsets.UTF_8)));
        return client.send(
                HttpRequest.newBuilder(URI.create(simulator.baseUrl() + line[1]))
                        .method(line[0], HttpRequest.BodyPublishers.ofString(body))
                        .build(),
                HttpResponse.BodyHandlers.ofString());
    }

    /** The simulated models can do what the recorded ones can. */
    private static String renamed(String text) {
        return text.replace("tiny-embed", "simulator-embed")
                .replace("tiny-tools", "simulator-thinking")
                .replace("tiny-fim", "simulator")
                .replaceAll("tiny(-slow)?", "simulator-2")
                .replace("TINY", "SIMULATOR-2");
    }

    /** The recorded model calls all tools at every prompt, the simulator those that are named. */
    private static String naming(String request) {
        return request.contains("\"tools\": [{")
                ? request.replace("Once upon a time", "Call get_weather and get_time")
                : request;
    }

    private static String mediaType(HttpResponse<String> response) {
        return response.headers().firstValue("content-type").orElse("").split(";", 2)[0];
    }

    /** The shapes of the lines. Equal ones in a row are counted if they have tool calls, otherwise they are one. */
    private static List<List<String>> shapes(List<String> lines) {
        List<List<String>> shapes = new ArrayList<>();
        for (String line : lines) {
            List<String> shape = shape(line);
            if (shapes.isEmpty() || line.contains("tool_calls") || !shape.equals(shapes.getLast())) {
                shapes.add(shape);
            }
        }
        return shapes;
    }

    /** Names and types of all fields, in order; an array is represented by its first item, tool calls by all. */
    private static List<String> shape(String json) {
        List<String> shape = new ArrayList<>();
        add("", JsonMapper.shared().readTree(json), shape);
        return shape;
    }

    private static void add(String path, JsonNode node, List<String> shape) {
        if (path.endsWith("model_info") || path.endsWith("/embeddings") || path.endsWith("/context")) {
            shape.add(path);
        } else if (node.isObject()) {
            node.propertyStream().forEach(field -> add(path + "/" + field.getKey(), field.getValue(), shape));
        } else if (path.endsWith("/tool_calls") || path.endsWith("logprobs")) {
            node.forEach(item -> add(path + "[]", item, shape));
        } else if (node.isArray() && !node.isEmpty()) {
            add(path + "[]", node.get(0), shape);
        } else {
            shape.add(path + " " + node.getNodeType());
        }
    }
}
