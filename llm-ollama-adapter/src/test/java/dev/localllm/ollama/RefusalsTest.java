package dev.localllm.ollama;

import static org.assertj.core.api.Assertions.assertThat;

import dev.localllm.core.failure.LlmFailure;
import dev.localllm.core.failure.LlmFailure.InvalidRequest;
import dev.localllm.core.failure.LlmFailure.UnsupportedByModel;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What callers read if Ollama refuses a feature of their request. */
class RefusalsTest {

    @ParameterizedTest
    @CsvSource({
        "03-think-true-unsupported, thinking",
        "03-think-true-unsupported-stream, thinking",
        "04-tools-unsupported, tools",
        "04-tools-unsupported-stream, tools",
        "04-images-unsupported, multimodal requests",
        "06-chat-on-embed-model, chat"
    })
    void tellsWhatTheModelDoesNotSupport(String name, String feature) {
        for (LlmFailure failure : failures(name)) {
            assertThat(failure).isInstanceOf(UnsupportedByModel.class);
            assertThat(failure.message()).isEqualTo("The model 'simulator' does not support " + feature + ".");
            assertThat(failure.detail()).contains("does not support " + feature);
        }
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "02-chat-top-logprobs-21 | top_logprobs must be between 0 and 20",
                "02-chat-format-bad-schema | Field 'json_schema': \"json_schema\": JSON schema conversion failed:\\nJSON schema error at #: unrecognized type banana",
                "04-images-bad-base64 | illegal base64 data at input byte 0"
            })
    void repeatsWhatTheCallerMustCorrect(String name, String text) {
        String message = text.replace("\\n", "\n");

        assertThat(failures(name))
                .containsOnly(new InvalidRequest(null, "The model server refused the request: " + message, message));
    }

    /** Both as recorded and in the form of a stream that fails before its first token. */
    private static List<LlmFailure> failures(String name) {
        List<LlmFailure> failures = new ArrayList<>();
        for (byte[] response : List.of(Recording.load(name).response(), streamed(name))) {
            try (CannedServer server = new CannedServer(response)) {
                Answers answer = Answers.from(server.baseUrl());
                assertThat(answer.events()).isEmpty();
                failures.add(answer.failure());
            }
        }
        return failures;
    }

    private static byte[] streamed(String name) {
        Recording recording = Recording.load(name);
        String body = new String(recording.body(), StandardCharsets.UTF_8);
        return "HTTP/1.1 %d Refused\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n"
                .formatted(recording.status(), recording.body().length, body)
                .getBytes(StandardCharsets.UTF_8);
    }
}
