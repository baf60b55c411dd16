package dev.localllm.ollama;

import dev.localllm.core.embedding.EmbeddingRequest;
import dev.localllm.core.embedding.Embeddings;
import dev.localllm.core.failure.LlmException;
import dev.localllm.core.failure.LlmFailure;
import dev.localllm.core.failure.LlmFailure.InvalidRequest;
import dev.localllm.core.failure.LlmFailure.UpstreamProtocol;
import io.netty.buffer.ByteBuf;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.core.ObjectReadContext;
import tools.jackson.core.StreamReadFeature;
import tools.jackson.core.async.ByteArrayFeeder;
import tools.jackson.core.json.JsonFactory;

/**
 * Decodes a response of POST /api/embed while it arrives, so that a large one does not block the event loop. Throws an
 * {@link LlmException} if it is invalid. Not thread-safe.
 *
 * <pre>{@code
 * {"model":"tiny-embed","embeddings":[[-0.15896271,-0.2621157],[0.36,1e-7]],"total_duration":6084229,
 *  "load_duration":815111,"prompt_eval_count":4}
 * }</pre>
 */
final class EmbedResponseDecoder {

    private static final int MAX_BYTES = 8 << 20;
    private static final int FIRST_CAPACITY = 1 << 10;
    private static final String VECTORS = "embeddings";
    private static final JsonFactory JSON = JsonFactory.builder()
            .enable(StreamReadFeature.USE_FAST_DOUBLE_PARSER)
            .build();

    private final EmbeddingRequest request;
    private final JsonParser parser = JSON.createNonBlockingByteArrayParser(ObjectReadContext.empty());
    private final List<float[]> vectors = new ArrayList<>();

    /** Numbers of the vector that is being read. */
    private float[] numbers = new float[FIRST_CAPACITY];

    private int count;

    /** Number of open arrays and objects. */
    private int depth;

    /** The latest field of the outermost object. */
    private String field = "";

    private long bytes;
    private int promptTokens;
    private long totalNanos;
    private long loadNanos;
    private @Nullable String error;

    EmbedResponseDecoder(EmbeddingRequest request) {
        this.request = request;
    }

    /** Decodes the next bytes; the caller releases them. */
    void decode(ByteBuf read) {
        byte[] part = new byte[read.readableBytes()];
        read.readBytes(part);
        bytes += part.length;
        if (bytes > MAX_BYTES) {
            throw invalid("a response larger than " + MAX_BYTES + " bytes");
        }
        try {
            ((ByteArrayFeeder) parser.nonBlockingInputFeeder()).feedInput(part, 0, part.length);
            acceptAll();
        } catch (JacksonException e) {
            throw invalid("no valid JSON");
        }
    }

    /** The embeddings, after the last bytes. */
    Embeddings end() {
        try {
            parser.nonBlockingInputFeeder().endOfInput();
            acceptAll();
        } catch (JacksonException e) {
            throw invalid("no complete JSON");
        }
        if (error != null) {
            throw new LlmException(OllamaFailures.failed(error));
        }
        if (vectors.size() != request.inputs().size()) {
            throw invalid(vectors.size() + " vectors for " + request.inputs().size() + " inputs");
        }
        checkDimensions(vectors.getFirst().length);
        return new Embeddings(vectors, promptTokens, Duration.ofNanos(Math.max(0, totalNanos - loadNanos)));
    }

    /** Ollama returns vectors of the model's own length if they are shorter than requested. */
    private void checkDimensions(int length) {
        Integer dimensions = request.dimensions();
        if (dimensions != null && length < dimensions) {
            throw failed(new InvalidRequest(
                    "dimensions",
                    "dimensions: " + dimensions + " (expected: at most " + length
                            + ", the length of this model's vectors)"));
        }
        if (dimensions != null && length > dimensions) {
            throw invalid("vectors of " + length + " numbers instead of " + dimensions);
        }
    }

    private void acceptAll() {
        JsonToken token = parser.nextToken();
        while (token != null && token != JsonToken.NOT_AVAILABLE) {
            accept(token);
            token = parser.nextToken();
        }
    }

    private void accept(JsonToken token) {
        boolean isInVectors = depth > 1 && field.equals(VECTORS);
        switch (token) {
            case START_OBJECT, START_ARRAY -> depth++;
            case END_OBJECT, END_ARRAY -> {
                depth--;
                if (isInVectors && depth == 2) {
                    addVector();
                }
            }
            case PROPERTY_NAME -> {
                if (isInVectors) {
                    throw invalid("a vector that is an object");
                }
                field = depth == 1 ? parser.currentName() : field;
            }
            case VALUE_NUMBER_INT, VALUE_NUMBER_FLOAT -> {
                if (isInVectors) {
                    addNumber(parser.getFloatValue());
                } else if (depth == 1) {
                    acceptCount();
                }
            }
            default -> {
                if (isInVectors) {
                    throw invalid("a vector with " + token);
                }
                error = depth == 1 && field.equals("error") ? parser.getValueAsString() : error;
            }
        }
    }

    private void acceptCount() {
        switch (field) {
            case "prompt_eval_count" -> promptTokens = parser.getIntValue();
            case "total_duration" -> totalNanos = parser.getLongValue();
            case "load_duration" -> loadNanos = parser.getLongValue();
            default -> {}
        }
    }

    private void addNumber(float number) {
        if (depth != 3 || !Float.isFinite(number)) {
            throw invalid("embeddings that are not arrays of finite numbers");
        }
        if (count == numbers.length) {
            numbers = Arrays.copyOf(numbers, 2 * count);
        }
        numbers[count++] = number;
    }

    private void addVector() {
        if (count == 0 || (!vectors.isEmpty() && vectors.getFirst().length != count)) {
            throw invalid("vectors of different lengths, or empty ones");
        }
        vectors.add(Arrays.copyOf(numbers, count));
        count = 0;
    }

    private static LlmException invalid(String what) {
        return failed(new UpstreamProtocol("Ollama's embeddings are invalid: " + what + "."));
    }

    private static LlmException failed(LlmFailure failure) {
        return new LlmException(failure);
    }
}
