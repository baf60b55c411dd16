package dev.localllm.core.embedding;

import java.time.Duration;
import java.util.List;

/**
 * The embeddings of one batch.
 *
 * @param vectors one for each input, in their order, all of the same length, with finite numbers only; nobody changes them
 * @param promptTokens of all inputs together
 * @param work time that the model server worked on the inputs, without the load of the model; zero if not reported
 */
public record Embeddings(List<float[]> vectors, int promptTokens, Duration work) {

    public Embeddings {
        vectors = List.copyOf(vectors);
    }
}
