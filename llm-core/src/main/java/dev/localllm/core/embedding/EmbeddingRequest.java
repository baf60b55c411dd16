package dev.localllm.core.embedding;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Texts to embed. The model is not part of it.
 *
 * @param inputs one or more texts, none of them empty
 * @param dimensions length of the vectors, 1 or more; null for the model's own
 */
public record EmbeddingRequest(
        List<String> inputs, @Nullable Integer dimensions) {

    /** A model server works on all inputs of a batch at once. */
    static final int MAX_BATCH_INPUTS = 32;

    /** Of all inputs of a batch together, in UTF-16 code units; a longer input is a batch of its own. */
    static final int MAX_BATCH_CHARACTERS = 100_000;

    public EmbeddingRequest {
        inputs = List.copyOf(inputs);
        if (inputs.isEmpty() || inputs.contains("") || (dimensions != null && dimensions < 1)) {
            throw new IllegalArgumentException("inputs: " + inputs.size() + ", dimensions: " + dimensions
                    + " (expected: one or more texts, 1 or more dimensions)");
        }
    }

    /** The inputs in bounded batches, in their order. */
    List<EmbeddingRequest> batches() {
        List<EmbeddingRequest> batches = new ArrayList<>();
        int from = 0;
        while (from < inputs.size()) {
            int to = batchEnd(from);
            batches.add(new EmbeddingRequest(inputs.subList(from, to), dimensions));
            from = to;
        }
        return batches;
    }

    private int batchEnd(int from) {
        int to = from + 1;
        long characters = inputs.get(from).length();
        while (to < inputs.size() && to < from + MAX_BATCH_INPUTS) {
            characters += inputs.get(to).length();
            if (characters > MAX_BATCH_CHARACTERS) {
                return to;
            }
            to++;
        }
        return to;
    }
}
