package dev.localllm.ollama.simulator;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class StorytellerTest {

    @Test
    void saysThatItIsSimulatedAndQuotesThePrompt() {
        assertThat(text("Why is the sky blue?", 0)).contains("simulator").contains("Why is the sky blue?");
    }

    @Test
    void answersKoreanInKorean() {
        assertThat(text("하늘은 왜 파란가요?", 0))
                .contains("시뮬레이터")
                .contains("하늘은 왜 파란가요?")
                .doesNotContain("simulator");
    }

    @Test
    void dependsOnPromptAndSeedOnly() {
        assertThat(text("One", 1)).isEqualTo(text("One", 1)).isNotEqualTo(text("Two", 1));
        assertThat(List.of(1L, 2L, 3L, 4L, 5L, 6L, 7L, 8L).stream()
                        .map(seed -> text("One", seed))
                        .distinct())
                .hasSizeGreaterThan(1);
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 7, 500, 10_000})
    void givesTheRequestedNumberOfTokens(int requested) {
        assertThat(Storyteller.answer("Write " + requested + " words", 0)).hasSize(requested);
    }

    @ParameterizedTest
    @ValueSource(strings = {"Hello, world! 123", "안녕하세요 🙂", "👩‍👩‍👧 flag 🇰🇷", "  spaces \n\n", "é e\u0301"})
    void splitsTextWithoutLosingOrBreakingCharacters(String text) {
        List<String> tokens = Storyteller.tokens(text);

        assertThat(String.join("", tokens)).isEqualTo(text);
        assertThat(tokens)
                .allSatisfy(
                        token -> assertThat(new String(token.getBytes(StandardCharsets.UTF_8), StandardCharsets.UTF_8))
                                .isEqualTo(token));
    }

    private static String text(String prompt, long seed) {
        return String.join("", Storyteller.answer(prompt, seed));
    }
}
