package dev.localllm.ollama;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.localllm.core.embedding.EmbeddingRequest;
import dev.localllm.core.embedding.Embeddings;
import dev.localllm.core.failure.LlmException;
import dev.localllm.core.failure.LlmFailure;
import dev.localllm.core.failure.LlmFailure.InvalidRequest;
import dev.localllm.core.failure.LlmFailure.UpstreamFailed;
import dev.localllm.core.failure.LlmFailure.UpstreamProtocol;
import io.netty.buffer.Unpooled;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Arrays;
import java.util.Collections;
import java.util.Random;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class EmbedResponseDecoderTest {

    @Test
    void decodesVectorsCountsAndDurations() {
        Embeddings embeddings = decode("""
                {"model":"m","more":{"embeddings":[[7]],"prompt_eval_count":9,"a":[1,null]},
                "embeddings":[[0.25,-1e-7],[0,-0.0]],"total_duration":5000,"load_duration":2000,"prompt_eval_count":4}
                """, 2, null);

        assertThat(embeddings.vectors()).hasSize(2);
        assertThat(embeddings.vectors().get(0)).containsExactly(0.25f, -1e-7f);
        assertThat(embeddings.vectors().get(1)).containsExactly(0f, -0f);
        assertThat(embeddings.promptTokens()).isEqualTo(4);
        assertThat(embeddings.work()).isEqualTo(Duration.ofNanos(3000));
    }

    @Test
    void needsNoCountsAndDurations() {
        Embeddings embeddings = decode("{\"embeddings\":[[1]],\"load_duration\":2000}", 1, 1);

        assertThat(embeddings.promptTokens()).isZero();
        assertThat(embeddings.work()).isZero();
    }

    /** However the bytes are split, and also for subnormal and extreme numbers. */
    @Tag("random")
    @Test
    void preservesEveryBit() {
        long seed = Long.getLong("seed", System.nanoTime());
        Random random = new Random(seed);
        for (int i = 0; i < 200; i++) {
            float[] vector = new float[1 + random.nextInt(3000)];
            for (int k = 0; k < vector.length; k++) {
                do {
                    vector[k] = random.nextBoolean()
                            ? (float) random.nextGaussian()
                            : Float.intBitsToFloat(random.nextInt());
                } while (!Float.isFinite(vector[k]));
            }
            String json = "{\"embeddings\":[" + Arrays.toString(vector) + "]}";

            EmbedResponseDecoder decoder = new EmbedResponseDecoder(request(1, vector.length));
            byte[] bytes = json.getBytes(StandardCharsets.US_ASCII);
            for (int from = 0; from < bytes.length; ) {
                int length = Math.min(bytes.length - from, 1 + random.nextInt(500));
                decoder.decode(Unpooled.wrappedBuffer(bytes, from, length));
                from += length;
            }

            assertThat(bits(decoder.end().vectors().getFirst()))
                    .as("seed " + seed)
                    .isEqualTo(bits(vector));
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "{}",
                "5",
                "[]",
                "{\"embeddings\":[[1],[2]]",
                "{\"embeddings\":[[1],[2]]}}",
                "{\"embeddings\":[[1],[2]]}{\"embeddings\":[[1],[2]]}",
                "{\"embeddings\":null}",
                "{\"embeddings\":[]}",
                "{\"embeddings\":[[1]]}",
                "{\"embeddings\":[[1],[2],[3]]}",
                "{\"embeddings\":[[],[]]}",
                "{\"embeddings\":[[1],[2,3]]}",
                "{\"embeddings\":[[1],[]]}",
                "{\"embeddings\":[1,2]}",
                "{\"embeddings\":[[1],2]}",
                "{\"embeddings\":[[1],[null]]}",
                "{\"embeddings\":[[1],[\"2\"]]}",
                "{\"embeddings\":[[1],[true]]}",
                "{\"embeddings\":[[1],[NaN]]}",
                "{\"embeddings\":[[1],[1e99]]}",
                "{\"embeddings\":[[1],[9999999999999999999999999999999999999999]]}",
                "{\"embeddings\":[[[1]],[[2]]]}",
                "{\"embeddings\":[{\"a\":1},{\"a\":2}]}",
                "{\"embeddings\":{\"a\":[1],\"b\":[2]}}",
                "{\"embeddings\":[[1],[2]],\"prompt_eval_count\":99999999999}",
                "<html>"
            })
    void refusesInvalidResponses(String json) {
        assertThat(failure(json, 2, null)).isInstanceOf(UpstreamProtocol.class);
    }

    @ParameterizedTest
    @CsvSource({"3, InvalidRequest", "1, UpstreamProtocol"})
    void refusesVectorsOfAnotherLength(int dimensions, String failure) {
        assertThat(failure("{\"embeddings\":[[1,2]]}", 1, dimensions).getClass().getSimpleName())
                .isEqualTo(failure);
    }

    @Test
    void tellsTheLengthOfTheModelsVectors() {
        assertThat(failure("{\"embeddings\":[[1,2]]}", 1, 3))
                .isEqualTo(new InvalidRequest(
                        "dimensions", "dimensions: 3 (expected: at most 2, the length of this model's vectors)"));
    }

    @Test
    void reportsAnErrorWithStatus200() {
        assertThat(failure("{\"error\":\"unexpected EOF\"}", 1, null))
                .isEqualTo(new UpstreamFailed("Ollama failed: unexpected EOF"));
        assertThat(failure("{\"x\":{\"error\":\"no\"},\"embeddings\":[]}", 1, null))
                .isInstanceOf(UpstreamProtocol.class);
    }

    @Test
    void limitsTheSizeOfAResponse() {
        byte[] spaces = " ".repeat(1 << 20).getBytes(StandardCharsets.US_ASCII);
        EmbedResponseDecoder decoder = new EmbedResponseDecoder(request(1, null));
        for (int i = 0; i < 8; i++) {
            decoder.decode(Unpooled.wrappedBuffer(spaces));
        }

        assertThatExceptionOfType(LlmException.class)
                .isThrownBy(() -> decoder.decode(Unpooled.wrappedBuffer(new byte[] {' '})))
                .satisfies(e -> assertThat(e.failure()).isInstanceOf(UpstreamProtocol.class));
    }

    private static LlmFailure failure(String json, int inputs, @Nullable Integer dimensions) {
        LlmFailure[] failure = new LlmFailure[1];
        assertThatExceptionOfType(LlmException.class)
                .isThrownBy(() -> decode(json, inputs, dimensions))
                .satisfies(e -> failure[0] = e.failure());
        return failure[0];
    }

    private static Embeddings decode(String json, int inputs, @Nullable Integer dimensions) {
        EmbedResponseDecoder decoder = new EmbedResponseDecoder(request(inputs, dimensions));
        decoder.decode(Unpooled.copiedBuffer(json, StandardCharsets.UTF_8));
        return decoder.end();
    }

    private static EmbeddingRequest request(int inputs, @Nullable Integer dimensions) {
        return new EmbeddingRequest(Collections.nCopies(inputs, "a"), dimensions);
    }

    private static int[] bits(float[] vector) {
        int[] bits = new int[vector.length];
        for (int i = 0; i < vector.length; i++) {
            bits[i] = Float.floatToRawIntBits(vector[i]);
        }
        return bits;
    }
}
