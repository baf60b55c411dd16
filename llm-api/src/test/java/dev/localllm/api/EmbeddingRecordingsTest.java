package dev.localllm.api;

import static org.assertj.core.api.Assertions.assertThat;

import dev.localllm.ollama.CannedServer;
import dev.localllm.ollama.Recording;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Recorded requests to Ollama's own POST /v1/embeddings get the same answers here, from what /api/embed answers. */
class EmbeddingRecordingsTest {

    @RegisterExtension
    static final TestServers SERVERS = new TestServers();

    /** The same model and inputs were recorded on both routes. */
    @ParameterizedTest
    @CsvSource({"25-embeddings-array, 06-embed-array", "25-embeddings-dimensions, 06-embed-dimensions"})
    void answersAsOllamaDoes(String name, String upstream) throws Exception {
        JsonNode response = answer(name, Recording.load(upstream).response());

        assertThat(response).isEqualTo(json(name)); // the order of fields doesn't count
    }

    /** Ollama's own numbers give its own base64. */
    @Test
    void encodesAsOllamaDoes() throws Exception {
        JsonNode floats = json("25-embeddings");
        String body = "{\"embeddings\":[" + floats.path("data").get(0).path("embedding") + "],\"prompt_eval_count\":"
                + floats.path("usage").path("prompt_tokens") + "}";
        byte[] upstream = ("HTTP/1.1 200 OK\r\nContent-Length: " + body.length() + "\r\n\r\n" + body)
                .getBytes(StandardCharsets.US_ASCII);

        assertThat(answer("25-embeddings", upstream)).isEqualTo(floats);
        assertThat(answer("25-embeddings-base64", upstream)).isEqualTo(json("25-embeddings-base64"));
    }

    /** Except that Ollama's 501 is a 400 here, and an empty string, which the native route doesn't embed, too. */
    @ParameterizedTest
    @CsvSource({
        "25-embeddings-empty-array, 400, 400",
        "25-embeddings-format-bad, 400, 400",
        "25-embeddings-missing, 400, 400",
        "25-embeddings-tokens, 400, 400",
        "25-embeddings-unknown-model, 404, 404",
        "25-embeddings-chat-model, 501, 400",
        "25-embeddings-empty, 200, 400"
    })
    void refusesWhatOllamaRefuses(String name, int recorded, int status) throws Exception {
        assertThat(Recording.load(name).status()).isEqualTo(recorded);

        HttpResponse<String> response = SERVERS.server("--MODEL_NAME=simulator")
                .post(
                        "/v1/embeddings",
                        request(name).replace("tiny-embed", "simulator-embed").replace("tiny:latest", "simulator"));

        assertThat(response.statusCode()).isEqualTo(status);
        assertThat(JsonMapper.shared()
                        .readTree(response.body())
                        .path("error")
                        .path("type")
                        .asString())
                .isEqualTo("invalid_request_error");
    }

    private static JsonNode answer(String name, byte[] upstream) throws Exception {
        try (CannedServer ollama = new CannedServer(upstream);
                TestServer server = new TestServer(ollama.baseUrl(), "--MODEL_NAME=tiny")) {
            HttpResponse<String> response = server.post("/v1/embeddings", request(name));
            assertThat(response.statusCode()).as(response.body()).isEqualTo(200);
            return JsonMapper.shared().readTree(response.body());
        }
    }

    private static String request(String name) {
        return new String(Recording.load(name).requestBody(), StandardCharsets.UTF_8);
    }

    private static JsonNode json(String name) {
        return JsonMapper.shared().readTree(Recording.load(name).body());
    }
}
