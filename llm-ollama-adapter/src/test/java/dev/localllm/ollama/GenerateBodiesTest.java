package dev.localllm.ollama;

import static org.assertj.core.api.Assertions.assertThat;

import dev.localllm.core.chat.CompletionRequest;
import dev.localllm.core.chat.GenerationOptions;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Compares the bodies for /api/generate with recorded requests. */
class GenerateBodiesTest {

    private static final OllamaSettings SETTINGS = Answers.settings(URI.create("http://127.0.0.1:11434"));

    @Test
    void sendsTheTextAndNoUnsetOptions() {
        assertThat(new String(bytes(Answers.completion("안녕\n", null)), StandardCharsets.UTF_8))
                .isEqualTo("{\"model\":\"simulator\",\"prompt\":\"안녕\\n\",\"stream\":true,\"truncate\":false,"
                        + "\"shift\":false,\"keep_alive\":\"300s\",\"options\":{\"num_ctx\":8192},\"think\":false}");
    }

    @Test
    void sendsTheTextAfterTheGap() {
        JsonNode recorded = recorded("05-generate-suffix");
        JsonNode sent = sent(Answers.completion("Once upon a time", "end"));

        assertThat(sent.path("prompt")).isEqualTo(recorded.path("prompt"));
        assertThat(sent.path("suffix")).isEqualTo(recorded.path("suffix"));
    }

    /** Equal options, so that a completion doesn't make Ollama load the model again. */
    @Test
    void sendsTheOptionsOfAChat() {
        GenerationOptions options =
                new GenerationOptions(0.1, 0.2, 3, 0.4, 0.5, 0.6, 0.7, 8, List.of("a", "b"), 9L, null);

        assertThat(sent(new CompletionRequest("Once", null, options)).path("options"))
                .isEqualTo(JsonMapper.shared()
                        .readTree("{\"num_ctx\":8192,\"num_predict\":8,\"temperature\":0.1,\"top_p\":0.2,\"top_k\":3,"
                                + "\"min_p\":0.4,\"repeat_penalty\":0.5,\"stop\":[\"a\",\"b\"],\"seed\":9,"
                                + "\"frequency_penalty\":0.6,\"presence_penalty\":0.7}"));
    }

    @ParameterizedTest
    @CsvSource({"1, 05-generate-logprobs", "0, 02-chat-logprobs-nonstream", ", 05-generate-stream"})
    void sendsLogprobs(@Nullable Integer alternatives, String name) {
        GenerationOptions options =
                new GenerationOptions(null, null, null, null, null, null, null, null, List.of(), null, alternatives);
        JsonNode sent = sent(new CompletionRequest("Once", null, options));

        assertThat(sent.path("logprobs")).isEqualTo(recorded(name).path("logprobs"));
        assertThat(sent.path("top_logprobs")).isEqualTo(recorded(name).path("top_logprobs"));
    }

    private static JsonNode sent(CompletionRequest request) {
        return JsonMapper.shared().readTree(bytes(request));
    }

    private static byte[] bytes(CompletionRequest request) {
        return OllamaJson.write(GenerateBodies.of(Answers.MODEL, request, SETTINGS));
    }

    private static JsonNode recorded(String name) {
        return JsonMapper.shared().readTree(Recording.load(name).requestBody());
    }
}
