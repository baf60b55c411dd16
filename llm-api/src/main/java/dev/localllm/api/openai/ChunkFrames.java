package dev.localllm.api.openai;

import dev.localllm.api.failure.FailureResponse;
import dev.localllm.api.openai.OpenAiJson.Usage;
import dev.localllm.core.admission.Queued;
import dev.localllm.core.chat.ChatEvent.Finished;
import dev.localllm.core.chat.JsonText;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.springframework.core.io.buffer.DataBuffer;
import org.springframework.core.io.buffer.DataBufferFactory;

/**
 * The Server-Sent Events of one completion: a chunk around each choice, and the frames that end the stream. Immutable.
 *
 * <pre>{@code
 * data: {"id":"cmpl-1","object":"text_completion","created":1,"model":"m","choices":[…]}
 * }</pre>
 */
public final class ChunkFrames {

    record Chunk(String id, String object, long created, JsonText model, List<Object> choices) {}

    /** @param usage of the answer; null in all chunks except the last */
    record UsageChunk(
            String id,
            String object,
            long created,
            JsonText model,
            List<Object> choices,
            @Nullable Usage usage) {}

    private static final JsonTemplate FRAME = new JsonTemplate(utf8("data: "), utf8("\n\n"));
    private static final byte[] DONE = utf8("data: [DONE]\n\n");

    private final CompletionMetadata metadata;
    private final String object;
    private final JsonText model;
    private final boolean includeUsage;
    private final JsonTemplate chunk;

    /**
     * Encodes what all chunks share.
     *
     * @param object the type of the chunks
     * @param includeUsage true for a last chunk with the usage
     */
    public ChunkFrames(CompletionMetadata metadata, String object, boolean includeUsage) {
        this.metadata = metadata;
        this.object = object;
        this.model = JsonText.of(metadata.model().value());
        this.includeUsage = includeUsage;
        this.chunk = FRAME.around(JsonTemplate.of(chunk(null), "choices"));
    }

    /** A frame with a chunk. Its only placeholder is for the choice. */
    public JsonTemplate chunk() {
        return chunk;
    }

    /** Writes what follows the last choice: the usage, if the client wants it, and {@code [DONE]}. */
    public void end(Finished end, Queued queued, JsonText.Sink target) {
        if (includeUsage) {
            FRAME.write(OpenAiJson.bytes(chunk(Usage.of(end, queued.receipt()))), target);
        }
        target.write(DONE, 0, DONE.length);
    }

    /** The error frame; no {@code [DONE]} follows. The caller releases it. */
    public static DataBuffer failure(FailureResponse failure, DataBufferFactory buffers) {
        byte[] body = OpenAiErrors.json(failure);
        DataBuffer buffer = buffers.allocateBuffer(FRAME.length() + body.length);
        FRAME.write(body, buffer::write);
        return buffer;
    }

    /** A chunk with an empty list of choices. */
    private Object chunk(@Nullable Usage usage) {
        return includeUsage
                ? new UsageChunk(metadata.id(), object, metadata.created(), model, List.of(), usage)
                : new Chunk(metadata.id(), object, metadata.created(), model, List.of());
    }

    private static byte[] utf8(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }
}
