package dev.localllm.api.openai.embedding;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.localllm.api.memory.ByteBudget;
import dev.localllm.core.catalog.ModelId;
import dev.localllm.core.embedding.EmbeddingRequest;
import dev.localllm.core.embedding.Embeddings;
import dev.localllm.core.failure.LlmException;
import dev.localllm.core.failure.LlmFailure.InvalidRequest;
import dev.localllm.core.failure.LlmFailure.Overloaded;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Collections;
import java.util.List;
import org.junit.jupiter.api.Test;

class CollectedEmbeddingsTest {

    private static final ModelId MODEL = new ModelId("tiny-embed");
    private static final long BYTES_OF_THREE = 3 * (64 + 2 * 13);

    private final ByteBudget budget = new ByteBudget(BYTES_OF_THREE);
    private final EmbeddingEncoder encoder = new EmbeddingEncoder(MODEL, VectorFormat.FLOAT);
    private final CollectedEmbeddings collected = collected(3);

    @Test
    void joinsBatchesInTheirOrder() {
        collected.add(new Embeddings(List.of(new float[] {1, 2}, new float[] {3, 4}), 5, Duration.ofMillis(2)));
        collected.add(new Embeddings(List.of(new float[] {5, -0.5f}), 7, Duration.ofMillis(3)));

        assertThat(text(collected.encode())).isEqualTo("""
                {"object":"list","data":[{"object":"embedding","index":0,"embedding":[1.0,2.0]},\
                {"object":"embedding","index":1,"embedding":[3.0,4.0]},\
                {"object":"embedding","index":2,"embedding":[5.0,-0.5]}],"model":"tiny-embed",\
                "usage":{"prompt_tokens":12,"total_tokens":12}}""");
        assertThat(encoder.promptTokens()).isEqualTo(12);
        assertThat(encoder.work()).isEqualTo(Duration.ofMillis(5));
    }

    @Test
    void writesBase64() {
        EmbeddingEncoder base64 = new EmbeddingEncoder(MODEL, VectorFormat.BASE64);
        base64.add(new Embeddings(List.of(new float[] {-0.05663617f}), 1, Duration.ZERO));

        assertThat(text(base64.encode())).contains("\"embedding\":\"VPtnvQ==\"}]");
    }

    @Test
    void countsAllVectorsFromTheFirstBatchOn() {
        collected.add(batch());
        assertThat(budget.used()).isEqualTo(BYTES_OF_THREE);
        collected.add(batch());
        assertThat(budget.used()).isEqualTo(BYTES_OF_THREE);

        collected.close();
        collected.close();

        assertThat(budget.used()).isZero();
    }

    @Test
    void refusesMoreThanTheBudget() {
        CollectedEmbeddings four = collected(4);

        assertThatExceptionOfType(LlmException.class)
                .isThrownBy(() -> four.add(batch()))
                .satisfies(e -> assertThat(e.failure())
                        .isEqualTo(new Overloaded(
                                "Too many non-streaming responses at once. Try again in a moment.", true)));
        four.close();
        assertThat(budget.used()).isZero();
        assertThat(text(encoder.encode())).contains("\"data\":[]");
    }

    @Test
    void refusesAResponseThatIsTooLarge() {
        assertThatExceptionOfType(LlmException.class)
                .isThrownBy(() -> collected(2048).add(new Embeddings(List.of(new float[4096]), 1, Duration.ZERO)))
                .satisfies(e -> assertThat(e.failure()).isInstanceOf(InvalidRequest.class));
        assertThat(budget.used()).isZero();
    }

    /** The client has left; the batch was on its way. */
    @Test
    void takesNothingAfterItsEnd() {
        collected.close();

        collected.add(batch());

        assertThat(budget.used()).isZero();
        assertThat(encoder.promptTokens()).isZero();
    }

    private static Embeddings batch() {
        return new Embeddings(List.of(new float[] {1, 2}), 1, Duration.ZERO);
    }

    private CollectedEmbeddings collected(int inputs) {
        EmbeddingBody body = new EmbeddingBody(
                MODEL, new EmbeddingRequest(Collections.nCopies(inputs, "a"), null), VectorFormat.FLOAT, List.of());
        return new CollectedEmbeddings(encoder, body, budget);
    }

    private static String text(List<ByteBuffer> pieces) {
        StringBuilder text = new StringBuilder();
        pieces.forEach(piece -> text.append(StandardCharsets.UTF_8.decode(piece)));
        return text.toString();
    }
}
