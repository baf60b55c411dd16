package dev.localllm.ollama;

import static org.assertj.core.api.Assertions.assertThat;

import dev.localllm.core.catalog.Capability;
import dev.localllm.core.catalog.ModelId;
import dev.localllm.core.catalog.ModelInfo;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class OllamaModelCatalogTest {

    @Test
    void readsTheRecordedList() {
        assertThat(list(Recording.load("01-tags").response()))
                .containsExactly(
                        model("tiny-slow", "2026-11-23T08:39:00.210716748Z", 4096, Capability.CHAT),
                        model("tiny", "2026-11-23T08:38:56.360953902Z", 2048, Capability.CHAT),
                        model("tiny-fim", "2026-11-23T08:38:56.422055337Z", 2048, Capability.CHAT, Capability.INSERT),
                        model(
                                "tiny-tools",
                                "2026-11-23T08:38:56.503043817Z",
                                4096,
                                Capability.CHAT,
                                Capability.TOOLS,
                                Capability.THINKING),
                        model("tiny-embed", "2026-11-23T08:38:56.546663678Z", 512, Capability.EMBEDDING));
    }

    /** Of a model whose file is missing, Ollama lists neither capabilities nor the context. */
    @Test
    void readsTheRecordedListWithABrokenModel() {
        assertThat(list(Recording.load("13-blob-missing-after-restart-tags").response()))
                .contains(
                        model("tiny", "2026-11-23T08:38:56.360953902Z", 0, Capability.CHAT),
                        model("tiny-embed", "2026-11-23T08:38:56.546663678Z", 512, Capability.EMBEDDING));
    }

    @ParameterizedTest
    @CsvSource({
        "'completion,vision', 'CHAT,VISION'",
        "'completion,audio', CHAT",
        "'embedding', EMBEDDING",
        "'audio',''",
        "'Completion',''"
    })
    void leavesUnknownCapabilitiesOut(String names, String expected) {
        String json = Arrays.stream(names.split(",")).collect(Collectors.joining("\",\"", "[\"", "\",null]"));

        assertThat(capabilities(",\"capabilities\":" + json))
                .isEqualTo(Arrays.stream(expected.split(","))
                        .filter(name -> !name.isEmpty())
                        .map(Capability::valueOf)
                        .collect(Collectors.toSet()));
    }

    @ParameterizedTest
    @ValueSource(strings = {"", ",\"capabilities\":null", ",\"capabilities\":[]"})
    void takesAModelWithoutCapabilitiesForAChatModel(String field) {
        assertThat(capabilities(field)).containsExactly(Capability.CHAT);
    }

    private static Set<Capability> capabilities(String field) {
        String body = "{\"models\":[{\"name\":\"m\"" + field + "}]}";
        List<ModelInfo> models =
                list(("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + body).getBytes(StandardCharsets.UTF_8));
        assertThat(models).hasSize(1);
        assertThat(models.getFirst().contextTokens()).isZero();
        assertThat(models.getFirst().modifiedAt()).isEqualTo(Instant.EPOCH);
        return models.getFirst().capabilities();
    }

    private static List<ModelInfo> list(byte[] response) {
        try (CannedServer server = new CannedServer(response);
                Ollama ollama = new Ollama(Answers.settings(server.baseUrl()), System::nanoTime)) {
            return ollama.modelCatalog().list().block(Answers.TIMEOUT);
        }
    }

    private static ModelInfo model(String name, String modified, int contextTokens, Capability... capabilities) {
        return new ModelInfo(
                new ModelId(name + ":latest"), Instant.parse(modified), contextTokens, Set.of(capabilities));
    }
}
