package dev.localllm.ollama;

import static org.assertj.core.api.Assertions.assertThat;

import dev.localllm.core.chat.ChatEvent.Finished;
import dev.localllm.core.chat.ChatEvent.LogprobsDelta;
import dev.localllm.core.chat.FinishReason;
import dev.localllm.core.failure.LlmFailure;
import dev.localllm.core.failure.LlmFailure.ContextLengthExceeded;
import dev.localllm.core.failure.LlmFailure.UnknownModel;
import dev.localllm.core.failure.LlmFailure.UnsupportedByModel;
import dev.localllm.core.failure.LlmFailure.UpstreamFailed;
import dev.localllm.core.failure.LlmFailure.UpstreamProtocol;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Decodes every recorded response of /api/generate, sent by a server byte for byte. */
class GenerateRecordingsTest {

    private static final Set<String> LOADS =
            Set.of("01-generate-load", "05-generate-empty-prompt", "08-unload-generate");

    static Stream<String> answers() {
        return Recording.of("POST /api/generate ").stream()
                .filter(name -> Recording.load(name).status() == 200)
                .filter(name -> !LOADS.contains(name) && !name.equals("11-runner-killed-generate-stream"));
    }

    @ParameterizedTest
    @MethodSource("answers")
    void decodesTheSameAsAnotherParser(String name) {
        List<JsonNode> lines = Recording.load(name).lines().stream()
                .map(JsonMapper.shared()::readTree)
                .toList();
        JsonNode last = lines.getLast();

        Answers answer = replay(name);

        assertThat(answer.failure()).isNull();
        assertThat(answer.text()).isEqualTo(joined(lines, "response"));
        assertThat(answer.thinking()).isEqualTo(joined(lines, "thinking"));
        assertThat(answer.events().getLast()).isInstanceOfSatisfying(Finished.class, end -> {
            assertThat(end.usage().promptTokens())
                    .isEqualTo(last.path("prompt_eval_count").asInt());
            assertThat(end.usage().completionTokens())
                    .isEqualTo(last.path("eval_count").asInt());
            assertThat(end.timings().load().toNanos())
                    .isEqualTo(last.path("load_duration").asLong())
                    .isPositive();
            assertThat(end.reason())
                    .isEqualTo(FinishReason.valueOf(
                            last.path("done_reason").asString().toUpperCase(Locale.ROOT)));
        });
    }

    @Test
    void decodesTheLogprobsOfEachToken() {
        assertThat(replay("05-generate-logprobs").events())
                .filteredOn(LogprobsDelta.class::isInstance)
                .extracting(event -> ((LogprobsDelta) event).tokens().getFirst().token())
                .containsExactly("O", "n");
    }

    @ParameterizedTest
    @CsvSource({
        "05-generate-suffix-unsupported, insert",
        "06-generate-on-embed-model, generate",
        "04-generate-images-unsupported, multimodal requests"
    })
    void tellsWhatTheModelDoesNotSupport(String name, String feature) {
        assertThat(replay(name).failure())
                .isInstanceOfSatisfying(
                        UnsupportedByModel.class,
                        failure -> assertThat(failure.message())
                                .isEqualTo("The model 'simulator' does not support " + feature + "."));
    }

    /** The recorded refusals of /api/chat: those of /api/generate are made by the same runner. */
    @ParameterizedTest
    @CsvSource({"07-long-no-truncate", "07-long-no-truncate-stream", "07-long-shift-false"})
    void refusesAPromptThatExceedsTheContext(String name) {
        assertThat(replay(name).failure()).isInstanceOf(ContextLengthExceeded.class);
    }

    @ParameterizedTest
    @CsvSource({"07-unknown-model-generate", "07-missing-model-generate"})
    void knowsNoSuchModel(String name) {
        assertThat(replay(name).failure()).isEqualTo(new UnknownModel("simulator"));
    }

    @Test
    void reportsThatTheRunnerDiedAfterTheTokens() {
        Answers answer = replay("11-runner-killed-generate-stream");

        assertThat(answer.text()).isEqualTo(" tick tock".repeat(5) + " tick");
        assertThat(answer.failure())
                .isEqualTo(new UpstreamFailed(
                        "Ollama failed: an error was encountered while running the model: unexpected EOF"));
    }

    @ParameterizedTest
    @CsvSource({"01-generate-load", "05-generate-empty-prompt", "08-unload-generate"})
    void failsIfNothingWasGenerated(String name) {
        LlmFailure failure = replay(name).failure();

        assertThat(failure).isInstanceOf(UpstreamProtocol.class);
        assertThat(failure.detail()).contains("generated nothing");
    }

    private static Answers replay(String name) {
        try (CannedServer server = new CannedServer(Recording.load(name).response())) {
            return Answers.from(server.baseUrl(), Answers.completion("Once", "end"));
        }
    }

    private static String joined(List<JsonNode> lines, String field) {
        StringBuilder text = new StringBuilder();
        lines.forEach(line -> text.append(line.path(field).asString("")));
        return text.toString();
    }
}
