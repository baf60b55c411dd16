package dev.localllm.api.openai.embedding;

import dev.localllm.core.failure.LlmException;
import dev.localllm.core.failure.LlmFailure.InvalidRequest;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Base64;

/** How a vector is written. Both formats preserve every bit of its numbers. */
enum VectorFormat {

    /** A JSON array; each number has as many digits as it needs. */
    FLOAT {
        @Override
        long typicalBytes(int dimensions) {
            return 13L * dimensions; // numbers of unit vectors, such as -0.05663617 or -9.714970E-4, and a comma
        }

        @Override
        void append(float[] vector, StringBuilder json) {
            json.append('[');
            for (int i = 0; i < vector.length; i++) {
                if (i > 0) {
                    json.append(',');
                }
                json.append(vector[i]);
            }
            json.append(']');
        }
    },

    /** A JSON string: the numbers in 4 bytes each, little-endian, in base64. */
    BASE64 {
        @Override
        long typicalBytes(int dimensions) {
            return 4 * Math.ceilDiv((long) Float.BYTES * dimensions, 3);
        }

        @Override
        void append(float[] vector, StringBuilder json) {
            ByteBuffer bytes = ByteBuffer.allocate(vector.length * Float.BYTES).order(ByteOrder.LITTLE_ENDIAN);
            bytes.asFloatBuffer().put(vector);
            json.append('"')
                    .append(Base64.getEncoder().encodeToString(bytes.array()))
                    .append('"');
        }
    };

    /** Of all vectors of one response. */
    static final int MAX_BYTES = 8 << 20;

    /** What {@link EmbeddingEncoder} writes around a vector, at most. */
    private static final int FRAME_BYTES = 64;

    /** About the bytes of one vector, without what is around it. */
    abstract long typicalBytes(int dimensions);

    /**
     * Appends the vector as JSON in ASCII.
     *
     * @param vector finite numbers
     */
    abstract void append(float[] vector, StringBuilder json);

    /**
     * Returns about the bytes that the vectors of one response take, which is known before they are encoded.
     *
     * @throws LlmException with {@link InvalidRequest} if that exceeds {@link #MAX_BYTES}
     */
    long requireRoom(int vectors, int dimensions) {
        long bytesPerVector = FRAME_BYTES + typicalBytes(dimensions);
        if (vectors * bytesPerVector > MAX_BYTES) {
            throw new LlmException(new InvalidRequest(
                    "input",
                    "input: " + vectors + " vectors of " + dimensions + " numbers (expected: at most "
                            + MAX_BYTES / bytesPerVector + " in one response"
                            + (this == FLOAT ? "; more with encoding_format base64)" : ")")));
        }
        return vectors * bytesPerVector;
    }
}
