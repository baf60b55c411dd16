package dev.localllm.api;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import com.openai.client.OpenAIClient;
import com.openai.client.okhttp.OpenAIOkHttpClient;
import com.openai.errors.BadRequestException;
import com.openai.models.embeddings.CreateEmbeddingResponse;
import com.openai.models.embeddings.Embedding;
import com.openai.models.embeddings.EmbeddingCreateParams;
import dev.localllm.ollama.simulator.OllamaSimulator;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** OpenAI's own Java client gets embeddings from this server without changes. */
class EmbeddingsSdkTest {

    @RegisterExtension
    static final TestServers SERVERS = new TestServers();

    private final OpenAIClient client = OpenAIOkHttpClient.builder()
            .baseUrl(SERVERS.server().uri("/v1").toString())
            .apiKey("none")
            .maxRetries(0)
            .build();

    @AfterEach
    void close() {
        client.close();
    }

    @Test
    void readsTheSameVectorsInBothFormats() {
        CreateEmbeddingResponse byDefault =
                client.embeddings().create(texts().build()).validate();
        CreateEmbeddingResponse floats = client.embeddings()
                .create(texts().encodingFormat(EmbeddingCreateParams.EncodingFormat.FLOAT)
                        .build())
                .validate();

        assertThat(byDefault.data()).hasSize(40);
        assertThat(floats.data())
                .extracting(Embedding::embedding)
                .isEqualTo(byDefault.data().stream().map(Embedding::embedding).toList());
        assertThat(byDefault.data())
                .extracting(Embedding::index)
                .isEqualTo(IntStream.range(0, 40).mapToObj(Long::valueOf).toList());
        assertThat(byDefault.data().getFirst().embedding()).hasSize(32);
        assertThat(byDefault.usage().promptTokens())
                .isPositive()
                .isEqualTo(byDefault.usage().totalTokens());
        assertThat(byDefault.model()).isEqualTo(OllamaSimulator.EMBED_MODEL);
    }

    @Test
    void throwsItsOwnTypeForTokens() {
        assertThatExceptionOfType(BadRequestException.class)
                .isThrownBy(() -> client.embeddings()
                        .create(EmbeddingCreateParams.builder()
                                .model(OllamaSimulator.EMBED_MODEL)
                                .inputOfArrayOfTokens(List.of(1L, 2L))
                                .build()))
                .satisfies(e -> assertThat(e.param()).contains("input"));
    }

    private static EmbeddingCreateParams.Builder texts() {
        return EmbeddingCreateParams.builder()
                .model(OllamaSimulator.EMBED_MODEL)
                .inputOfArrayOfStrings(
                        IntStream.range(0, 40).mapToObj(i -> "text " + i).toList());
    }
}
