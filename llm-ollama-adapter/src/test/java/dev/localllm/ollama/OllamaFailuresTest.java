package dev.localllm.ollama;

import static org.assertj.core.api.Assertions.assertThat;

import dev.localllm.core.failure.LlmFailure;
import dev.localllm.core.failure.LlmFailure.SchemaNotHonoured;
import dev.localllm.core.failure.LlmFailure.UpstreamFailed;
import dev.localllm.core.failure.LlmFailure.UpstreamProtocol;
import dev.localllm.core.failure.LlmFailure.UpstreamUnavailable;
import java.nio.charset.StandardCharsets;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class OllamaFailuresTest {

    @Test
    void mapsA503WithoutOllamasErrorText() {
        assertThat(OllamaFailures.ofStatus(503, "<html>busy</html>".getBytes(StandardCharsets.UTF_8), "tiny"))
                .isInstanceOf(UpstreamUnavailable.class);
    }

    @Test
    void explainsA403WithoutOllamasErrorText() {
        assertThat(OllamaFailures.ofStatus(403, new byte[0], "tiny").detail()).contains("OLLAMA_BASE_URL");
        assertThat(OllamaFailures.ofStatus(500, new byte[0], "tiny").detail()).contains("status 500");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "{\"message\":\"no\",\"type\":\"exceed_context_size_error\"} | Your messages exceed this model's maximum context length. Please reduce the length of the messages.",
                "{\"message\":\"no\",\"type\":\"other\"} | The model server refused the request: no",
                "{\"message\":\"no\"} | The model server refused the request: no",
                "{\"type\":\"other\"} | The model server refused the request: {\"error\":{\"type\":\"other\"}}"
            })
    void readsTheErrorOfTheRunner(String runner, String message) {
        String error = "{\"error\":" + runner + "}";
        byte[] body = ("{\"error\":\"" + error.replace("\"", "\\\"") + "\"}").getBytes(StandardCharsets.UTF_8);

        assertThat(OllamaFailures.ofStatus(400, body, "tiny").message()).isEqualTo(message);
    }

    /** Its text contains the call, which must not get into the log. */
    @ParameterizedTest
    @ValueSource(ints = {400, 500})
    void hidesAToolCallThatOllamaCannotParse(int status) {
        String error = "error parsing tool call: raw='{secret', err=unexpected end of JSON input";
        byte[] body = ("{\"error\":\"" + error + "\"}").getBytes(StandardCharsets.UTF_8);

        assertThat(OllamaFailures.failed(error)).isEqualTo(new SchemaNotHonoured("its tool call is not JSON"));
        assertThat(OllamaFailures.ofStatus(status, body, "tiny"))
                .isEqualTo(new SchemaNotHonoured("its tool call is not JSON"));
    }

    @Test
    void judgesTheResponseToALoad() {
        assertThat(ofLoad("{\"done\":true,\"done_reason\":\"load\"}\n")).isNull();
        assertThat(ofLoad("{\"error\":\"no memory\"}\n")).isEqualTo(new UpstreamFailed("Ollama failed: no memory"));
        assertThat(ofLoad("{\"done\":false}")).isInstanceOf(UpstreamProtocol.class);
        assertThat(ofLoad("{}")).isInstanceOf(UpstreamProtocol.class);
        assertThat(ofLoad("loaded")).isInstanceOf(UpstreamProtocol.class);
        assertThat(ofLoad("")).isInstanceOf(UpstreamProtocol.class);
    }

    private static @Nullable LlmFailure ofLoad(String body) {
        return OllamaFailures.ofLoad(body.getBytes(StandardCharsets.UTF_8));
    }

    @ParameterizedTest
    @CsvSource({"2000, 2000", "2001, 2001"})
    void cutsALongText(int length, int expected) {
        byte[] body = ("{\"error\":\"" + "a".repeat(length) + "\"}").getBytes(StandardCharsets.UTF_8);

        assertThat(OllamaFailures.ofStatus(400, body, "tiny").detail())
                .hasSize(expected)
                .endsWith(length > 2000 ? "a…" : "a");
    }

    static Stream<Arguments> refusals() {
        return Stream.of(
                Arguments.of(
                        "open /Users/me/.ollama/models/blobs/sha256-1: no such file",
                        "The model server refused the request: open …: no such file"),
                Arguments.of(
                        "open C:\\\\Users\\\\me\\\\models: denied",
                        "The model server refused the request: open …: denied"),
                Arguments.of("invalid input type", "The model server refused the request: invalid input type"),
                Arguments.of(
                        "This server does not support embeddings. Start it with `--embeddings`",
                        "The model 'tiny' does not support embeddings."),
                Arguments.of(
                        "registry.ollama.ai/library/tiny:latest does not support tools",
                        "The model 'tiny' does not support tools."),
                Arguments.of(
                        "ollama cloud is disabled: remote model is unavailable",
                        "The model 'tiny' does not support the request."),
                Arguments.of(
                        "request (709 tokens) exceeds the available context size (256 tokens), try increasing it",
                        "This model's maximum context length is 256 tokens. However, your messages resulted in 709 tokens. Please reduce the length of the messages."),
                Arguments.of(
                        "the prompt is longer than the context length currently available to the model; adjust it",
                        "Your messages exceed this model's maximum context length. Please reduce the length of the messages."));
    }

    @ParameterizedTest
    @MethodSource("refusals")
    void showsCallersNoPathsAndNoAdviceForOperators(String error, String message) {
        byte[] body = ("{\"error\":\"" + error + "\"}").getBytes(StandardCharsets.UTF_8);

        LlmFailure failure = OllamaFailures.ofStatus(400, body, "tiny");

        assertThat(failure.message()).isEqualTo(message);
        assertThat(failure.detail()).isEqualTo(error.replace("\\\\", "\\"));
    }
}
