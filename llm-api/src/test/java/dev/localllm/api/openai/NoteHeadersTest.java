package dev.localllm.api.openai;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Collections;
import java.util.List;
import org.junit.jupiter.api.Test;

class NoteHeadersTest {

    @Test
    void namesFields() {
        assertThat(NoteHeaders.ignoredFields(List.of("a", "messages[0].b"))).isEqualTo("a, messages[0].b");
    }

    @Test
    void boundsTheValue() {
        assertThat(NoteHeaders.ignoredFields(Collections.nCopies(20, "a"))).doesNotContain("more");
        assertThat(NoteHeaders.ignoredFields(Collections.nCopies(100_000, "a"))).endsWith("a, and 99980 more");
        assertThat(NoteHeaders.text("x".repeat(65))).isEqualTo("x".repeat(64) + "...");
        assertThat(NoteHeaders.text("x".repeat(64))).isEqualTo("x".repeat(64));
    }

    /** A line break would begin another header. */
    @Test
    void replacesCharactersThatAHeaderMustNotHave() {
        assertThat(NoteHeaders.text("a\r\nb\u0000\u007f안 ~")).isEqualTo("a??b??? ~");
    }
}
