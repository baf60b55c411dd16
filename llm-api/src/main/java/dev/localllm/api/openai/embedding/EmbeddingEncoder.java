package dev.localllm.api.openai.embedding;

import dev.localllm.api.memory.SegmentedBytes;
import dev.localllm.api.openai.OpenAiJson;
import dev.localllm.core.catalog.ModelId;
import dev.localllm.core.chat.JsonText;
import dev.localllm.core.embedding.Embeddings;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;

/**
 * Encodes the embeddings of one response. One encoder per response; not thread-safe.
 *
 * <pre>{@code
 * {"object":"list","data":[{"object":"embedding","index":0,"embedding":[-0.056,0.41]}],"model":"tiny-embed",
 *  "usage":{"prompt_tokens":4,"total_tokens":4}}
 * }</pre>
 */
final class EmbeddingEncoder {

    /** @param data inserted as JSON */
    record EmbeddingList(String object, List<String> data, JsonText model, Usage usage) {}

    record Usage(int promptTokens, int totalTokens) {}

    private final ModelId model;
    private final VectorFormat format;
    private final SegmentedBytes items = new SegmentedBytes();
    private int count;
    private int promptTokens;
    private Duration work = Duration.ZERO;

    EmbeddingEncoder(ModelId model, VectorFormat format) {
        this.model = model;
        this.format = format;
    }

    /** Adds the next batch. */
    void add(Embeddings batch) {
        promptTokens += batch.promptTokens();
        work = work.plus(batch.work());
        for (float[] vector : batch.vectors()) {
            add(vector);
        }
    }

    private void add(float[] vector) {
        StringBuilder json = new StringBuilder(count == 0 ? "" : ",")
                .append("{\"object\":\"embedding\",\"index\":")
                .append(count++)
                .append(",\"embedding\":");
        format.append(vector, json);
        byte[] item = json.append('}').toString().getBytes(StandardCharsets.US_ASCII);
        items.write(item, 0, item.length);
    }

    /** Of all batches so far. */
    int promptTokens() {
        return promptTokens;
    }

    /** Time that the model server worked on all batches so far. */
    Duration work() {
        return work;
    }

    /** The body, in pieces. Called once, after the last batch was added. */
    List<ByteBuffer> encode() {
        return OpenAiJson.filled(
                new EmbeddingList("list", List.of(), JsonText.of(model.value()), new Usage(promptTokens, promptTokens)),
                List.of("data"),
                List.of(items.buffers()));
    }
}
