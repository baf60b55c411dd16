package dev.localllm.api.openai.embedding;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.localllm.core.failure.LlmException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Base64;
import java.util.Random;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Clients get every bit of a number, in both formats. */
class VectorFormatTest {

    private static final float[] SPECIAL = {
        0,
        -0.0f,
        1,
        -1,
        Float.MIN_VALUE,
        -Float.MIN_VALUE,
        Float.MIN_NORMAL,
        Math.nextDown(Float.MIN_NORMAL),
        Float.MAX_VALUE,
        -Float.MAX_VALUE,
        1e-7f,
        1e7f,
        -Float.MIN_NORMAL,
        0.1f,
        1f / 3,
        16_777_216f,
        -0.05663617f
    };

    @Test
    void preservesSpecialNumbers() {
        assertPreserved(SPECIAL, "special");
    }

    @Tag("random")
    @Test
    void preservesRandomNumbers() {
        long seed = Long.getLong("seed", System.nanoTime());
        Random random = new Random(seed);
        for (int i = 0; i < 300; i++) {
            float[] vector = new float[1 + random.nextInt(1500)];
            for (int k = 0; k < vector.length; k++) {
                vector[k] = random(random);
            }
            assertPreserved(vector, "seed " + seed);
        }
    }

    private static float random(Random random) {
        float number = switch (random.nextInt(3)) {
            case 0 -> (float) random.nextGaussian(); // as of an embedding
            case 1 -> Float.intBitsToFloat(random.nextInt(1 << 23) | (random.nextInt() & 1 << 31)); // subnormal
            default -> Float.intBitsToFloat(random.nextInt());
        };
        return Float.isFinite(number) ? number : random(random);
    }

    private static void assertPreserved(float[] vector, String name) {
        int[] expected = bits(vector);
        String floats = json(VectorFormat.FLOAT, vector);
        JsonNode array = JsonMapper.shared().readTree(floats);
        float[] parsed = new float[array.size()];
        float[] narrowed = new float[array.size()]; // by clients that know doubles only
        String[] texts = floats.substring(1, floats.length() - 1).split(",", -1);
        for (int i = 0; i < parsed.length; i++) {
            parsed[i] = Float.parseFloat(texts[i]);
            narrowed[i] = (float) array.get(i).doubleValue();
        }
        assertThat(bits(parsed)).as(name).isEqualTo(expected);
        assertThat(bits(narrowed)).as(name).isEqualTo(expected);

        String base64 =
                JsonMapper.shared().readTree(json(VectorFormat.BASE64, vector)).stringValue();
        float[] decoded = new float[vector.length];
        ByteBuffer.wrap(Base64.getDecoder().decode(base64))
                .order(ByteOrder.LITTLE_ENDIAN)
                .asFloatBuffer()
                .get(decoded);
        assertThat(bits(decoded)).as(name).isEqualTo(expected);
    }

    /** As recorded from Ollama: 25-embeddings and 25-embeddings-base64. */
    @Test
    void writesAsOllamaDoes() {
        float[] vector = {-0.05663617f, -0.093388125f, -0.055464886f};

        assertThat(json(VectorFormat.FLOAT, vector)).isEqualTo("[-0.05663617,-0.093388125,-0.055464886]");
        assertThat(json(VectorFormat.BASE64, vector)).isEqualTo("\"VPtnvUZCv70mL2O9\"");
    }

    @ParameterizedTest
    @EnumSource
    void estimatesTheBytesOfUnitVectors(VectorFormat format) {
        Random random = new Random(3);
        float[] vector = new float[1024];
        for (int i = 0; i < vector.length; i++) {
            vector[i] = (float) (random.nextGaussian() / Math.sqrt(vector.length));
        }
        for (int length : new int[] {128, 384, 1024}) {
            int bytes = json(format, Arrays.copyOf(vector, length)).getBytes(StandardCharsets.UTF_8).length;

            assertThat(format.typicalBytes(length)).isBetween(bytes - 2L, bytes + bytes / 8L);
        }
    }

    @ParameterizedTest
    @CsvSource({"FLOAT, 1024, 627", "BASE64, 1024, 1517", "BASE64, 1536, 1016", "FLOAT, 1, 108942"})
    void limitsTheBytesOfAResponse(VectorFormat format, int dimensions, int most) {
        long bytesPerVector = 64 + format.typicalBytes(dimensions);

        assertThat(format.requireRoom(most, dimensions))
                .isEqualTo(most * bytesPerVector)
                .isBetween(VectorFormat.MAX_BYTES - bytesPerVector, (long) VectorFormat.MAX_BYTES);
        assertThatExceptionOfType(LlmException.class)
                .isThrownBy(() -> format.requireRoom(most + 1, dimensions))
                .withMessage("input: %d vectors of %d numbers (expected: at most %d in one response%s)"
                        .formatted(
                                most + 1,
                                dimensions,
                                most,
                                format == VectorFormat.FLOAT ? "; more with encoding_format base64" : ""));
    }

    @Test
    void acceptsAResponseOfExactlyTheLimit() {
        assertThat(VectorFormat.FLOAT.requireRoom(32, 20_160)).isEqualTo(VectorFormat.MAX_BYTES);
    }

    private static String json(VectorFormat format, float[] vector) {
        StringBuilder json = new StringBuilder();
        format.append(vector, json);
        return json.toString();
    }

    private static int[] bits(float[] vector) {
        int[] bits = new int[vector.length];
        for (int i = 0; i < vector.length; i++) {
            bits[i] = Float.floatToRawIntBits(vector[i]);
        }
        return bits;
    }
}
