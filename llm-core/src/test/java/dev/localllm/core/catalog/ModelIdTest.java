package dev.localllm.core.catalog;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import org.junit.jupiter.api.Test;

class ModelIdTest {

    @Test
    void matchesAnotherSpellingOfTheSameModel() {
        assertThat(new ModelId("Tiny").matches(new ModelId("tiny:latest"))).isTrue();
        assertThat(new ModelId("host:5000/tiny").matches(new ModelId("host:5000/tiny:latest")))
                .isTrue();
    }

    @Test
    void doesNotMatchAnotherTag() {
        assertThat(new ModelId("tiny:1b").matches(new ModelId("tiny"))).isFalse();
    }

    @Test
    void takesOnlyAColonAfterTheLastSlashForATag() {
        assertThat(new ModelId("host:/tiny").matches(new ModelId("host:/tiny:latest")))
                .isTrue();
        assertThat(new ModelId(":1b").normalized()).isEqualTo(":1b");
    }

    @Test
    void keepsItsSpelling() {
        assertThat(new ModelId("Tiny")).hasToString("Tiny");
    }

    @Test
    void refusesInvalidNames() {
        assertThatIllegalArgumentException().isThrownBy(() -> new ModelId(" "));
        assertThatIllegalArgumentException().isThrownBy(() -> new ModelId("x".repeat(257)));
        assertThatIllegalArgumentException().isThrownBy(() -> new ModelId("tiny\nid=forged"));
    }
}
