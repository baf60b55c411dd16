package dev.localllm.ollama;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.localllm.core.catalog.ModelInfo;
import dev.localllm.core.chat.ChatEvent.Finished;
import dev.localllm.core.chat.FinishReason;
import dev.localllm.core.chat.Timings;
import dev.localllm.core.chat.Usage;
import dev.localllm.core.failure.LlmException;
import dev.localllm.core.failure.LlmFailure.UpstreamProtocol;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** JSON that Ollama never sends, or that only other versions send. */
class OddAnswersTest {

    @ParameterizedTest
    @ValueSource(
            strings = {
                "[null]",
                "[{}]",
                "[{\"function\":{}}]",
                "[{\"function\":{\"name\":\"\",\"arguments\":{}}}]",
                "[{\"function\":{\"name\":\"f\"}}]"
            })
    void toolCallsWithoutAFunctionAreAProtocolError(String calls) {
        String line = "{\"message\":{\"content\":\"a\",\"tool_calls\":" + calls + "},\"done\":true}\n";
        try (CannedServer server = canned(line)) {
            assertThat(Answers.from(server.baseUrl()).failure()).isInstanceOf(UpstreamProtocol.class);
        }
    }

    /** Sent by Ollama from August 2026 on; not in the recordings. */
    @ParameterizedTest
    @CsvSource({"'',", "'\"prompt_eval_cached_count\":0,',0", "'\"prompt_eval_cached_count\":16,',16"})
    void cachedPromptTokensAreReportedIfTheServerDoes(String field, @Nullable Integer cached) {
        String line = "{\"message\":{\"content\":\"\"},\"done\":true,\"prompt_eval_count\":21," + field
                + "\"eval_count\":3}\n";
        try (CannedServer server = canned(line)) {
            assertThat(Answers.from(server.baseUrl()).events())
                    .containsExactly(new Finished(FinishReason.STOP, new Usage(21, cached, 3), Timings.ZERO));
        }
    }

    @Test
    void modelsWithInvalidNamesAreLeftOut() {
        assertThat(models("{\"models\":[null,{},{\"name\":\"a b\"},{\"name\":\"tiny\"}]}"))
                .extracting(info -> info.id().value())
                .containsExactly("tiny");
    }

    @Test
    void aListWithoutModelsIsAProtocolError() {
        assertThatExceptionOfType(LlmException.class)
                .isThrownBy(() -> models("{}"))
                .satisfies(e -> assertThat(e.failure()).isInstanceOf(UpstreamProtocol.class));
    }

    @Test
    void aResponseWithoutEndIsNotCollected() {
        assertThatExceptionOfType(LlmException.class)
                .isThrownBy(() -> models(" ".repeat((8 << 20) + 1)))
                .satisfies(e -> assertThat(e.failure())
                        .isEqualTo(new UpstreamProtocol("Ollama's response is larger than 8388608 bytes.")));
    }

    private static List<ModelInfo> models(String json) {
        try (CannedServer server = canned(json);
                Ollama ollama = new Ollama(Answers.settings(server.baseUrl()), System::nanoTime)) {
            return ollama.modelCatalog().list().block(Answers.TIMEOUT);
        }
    }

    private static CannedServer canned(String body) {
        return new CannedServer(
                ("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + body).getBytes(StandardCharsets.UTF_8));
    }
}
