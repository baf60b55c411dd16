package dev.localllm.core.embedding;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.util.Collections;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class EmbeddingRequestTest {

    @ParameterizedTest
    @CsvSource({
        "1, 1, 1",
        "32, 1, 32",
        "33, 1, 32 1",
        "64, 1, 32 32",
        "65, 1, 32 32 1",
        "32, 3125, 32",
        "32, 3126, 31 1"
    })
    void splitsInputsIntoBatches(int inputs, int characters, String sizes) {
        EmbeddingRequest request = new EmbeddingRequest(Collections.nCopies(inputs, "x".repeat(characters)), 8);

        assertThat(request.batches())
                .extracting(batch -> batch.inputs().size())
                .map(String::valueOf)
                .containsExactly(sizes.split(" "));
        assertThat(request.batches()).allMatch(batch -> Integer.valueOf(8).equals(batch.dimensions()));
    }

    @Test
    void givesALongInputABatchOfItsOwn() {
        String longest = "x".repeat(EmbeddingRequest.MAX_BATCH_CHARACTERS + 1);

        assertThat(new EmbeddingRequest(List.of(longest, "a", "b", longest), null).batches())
                .extracting(EmbeddingRequest::inputs)
                .containsExactly(List.of(longest), List.of("a", "b"), List.of(longest));
    }

    @Test
    void hasInputsAndDimensions() {
        assertThatIllegalArgumentException().isThrownBy(() -> new EmbeddingRequest(List.of(), null));
        assertThatIllegalArgumentException().isThrownBy(() -> new EmbeddingRequest(List.of("a", ""), null));
        assertThatIllegalArgumentException().isThrownBy(() -> new EmbeddingRequest(List.of("a"), 0));
        assertThat(new EmbeddingRequest(List.of("a"), 1).dimensions()).isOne();
    }
}
