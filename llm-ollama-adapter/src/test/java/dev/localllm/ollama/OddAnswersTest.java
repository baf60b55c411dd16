package dev.localllm.ollama;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.localllm.core.catalog.ModelInfo;
import dev.localllm.core.failure.LlmException;
import dev.localllm.core.failure.LlmFailure.UpstreamProtocol;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** JSON that no Ollama sends, or only one of another version. */
class OddAnswersTest {

    @ParameterizedTest
    @ValueSource(strings = {"[null]", "[{}]", "[{\"function\":{}}]", "[{\"function\":{\"name\":\"f\"}}]"})
    void toolCallsWithoutAFunctionAreNoAnswer(String calls) {
        String line = "{\"message\":{\"content\":\"a\",\"tool_calls\":" + calls + "},\"done\":true}\n";
        try (CannedServer server = canned(line)) {
            assertThat(Answers.from(server.baseUrl()).failure()).isInstanceOf(UpstreamProtocol.class);
        }
    }

    @Test
    void modelsWithoutAUsableNameAreLeftOut() {
        assertThat(models("{\"models\":[null,{},{\"name\":\"a b\"},{\"name\":\"tiny\"}]}"))
                .extracting(info -> info.id().value())
                .containsExactly("tiny");
    }

    @Test
    void aListWithoutModelsIsNoAnswer() {
        assertThatExceptionOfType(LlmException.class)
                .isThrownBy(() -> models("{}"))
                .satisfies(e -> assertThat(e.failure()).isInstanceOf(UpstreamProtocol.class));
    }

    private static List<ModelInfo> models(String json) {
        try (CannedServer server = canned(json);
                Ollama ollama = new Ollama(Answers.settings(server.baseUrl()), System::nanoTime)) {
            return ollama.modelCatalog().list().block(Answers.PATIENCE);
        }
    }

    private static CannedServer canned(String body) {
        return new CannedServer(
                ("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + body).getBytes(StandardCharsets.UTF_8));
    }
}
