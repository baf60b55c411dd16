package dev.localllm.api;

import static org.assertj.core.api.Assertions.assertThat;

import dev.localllm.ollama.CannedServer;
import dev.localllm.ollama.Recording;
import java.util.Locale;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * Responses to callers for recorded failures of a real Ollama. Each recording has a model of its own, so that its
 * circuit is closed.
 */
class FailureRecordingsTest {

    private static CannedServer ollama;
    private static TestServer server;

    @BeforeAll
    static void start() {
        ollama = CannedServer.thatLoads(new byte[0]);
        server = new TestServer(ollama.baseUrl());
    }

    @AfterAll
    static void stop() {
        server.close();
        ollama.close();
    }

    @ParameterizedTest
    @CsvSource(
            nullValues = "-",
            value = {
                "07-bad-model-name, 400, -",
                "07-cloud-model, 400, unsupported_by_model",
                "07-content-array, 400, -",
                "07-content-number, 400, -",
                "07-empty-body, 400, -",
                "07-format-bad-stream, 502, upstream_failed",
                "07-host-foreign, 502, upstream_protocol_error",
                "07-json-array, 400, -",
                "07-long-no-truncate, 400, context_length_exceeded",
                "07-long-no-truncate-stream, 400, context_length_exceeded",
                "07-long-shift-false, 400, context_length_exceeded",
                "07-long-shift-false-stream, 400, context_length_exceeded",
                "07-malformed-json, 400, -",
                "07-malformed-json-2, 400, -",
                "07-messages-string, 400, -",
                "07-missing-model, 400, -",
                "07-model-number, 400, -",
                "07-option-wrong-type-stream, 502, upstream_failed",
                "07-stream-string, 400, -",
                "07-trailing-slash, 502, upstream_protocol_error",
                "07-unknown-model-chat, 404, model_not_found",
                "07-unknown-model-chat-tag, 404, model_not_found",
                "07-unknown-path, 502, upstream_protocol_error",
                "07-wrong-method, 502, upstream_protocol_error",
                "10-queue-full-503, 503, upstream_unavailable",
                "10-queue-full-503-b, 503, upstream_unavailable",
                "11-runner-killed-chat-nonstream, 502, upstream_failed",
                "13-blob-missing, 404, model_not_found",
                "13-blob-missing-after-restart, 400, unsupported_by_model",
                "13-load-fails, 502, upstream_failed"
            })
    void becomeStatusesBeforeTheFirstByte(String name, int status, String code) throws Exception {
        for (boolean stream : new boolean[] {true, false}) {
            String answer = ask(name, stream);

            assertThat(answer).startsWith("HTTP/1.1 " + status);
            JsonNode error = error(answer.substring(answer.indexOf("\r\n\r\n")));
            assertThat(error.path("code").asString(null)).isEqualTo(code);
            assertThat(error.path("message").asString()).isNotBlank();
            assertThat(answer.toLowerCase(Locale.ROOT).contains("retry-after: "))
                    .isEqualTo(status == 503);
        }
    }

    @ParameterizedTest
    @CsvSource({"11-runner-killed-chat-stream, upstream_failed", "12-client-disconnect, upstream_protocol_error"})
    void becomeErrorFramesAfterwards(String name, String code) throws Exception {
        String streamed = ask(name, true);
        assertThat(streamed).startsWith("HTTP/1.1 200").contains("\"delta\":{\"content\":");
        assertThat(streamed).doesNotContain("[DONE]").doesNotContain("\"error\":null");
        String last = streamed.substring(streamed.lastIndexOf("data: ") + 6, streamed.lastIndexOf("\n\n"));
        assertThat(error(last).path("code").asString()).isEqualTo(code);

        assertThat(ask(name, false)).startsWith("HTTP/1.1 502").contains("\"code\":\"" + code + "\"");
    }

    private static String ask(String name, boolean stream) throws Exception {
        ollama.respondWith(Recording.load(name).response());
        try (RawRequest request = RawRequest.open(server.uri("/"))) {
            return request.send(RawRequest.chatWith(name, stream, "Hello")).readAll();
        }
    }

    private static JsonNode error(String json) {
        return JsonMapper.shared().readTree(json).path("error");
    }
}
