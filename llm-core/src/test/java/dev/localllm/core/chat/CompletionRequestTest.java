package dev.localllm.core.chat;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import org.junit.jupiter.api.Test;

class CompletionRequestTest {

    @Test
    void countsPromptAndSuffix() {
        assertThat(new CompletionRequest("ab", "c", GenerationOptions.DEFAULTS).characters())
                .isEqualTo(3);
        assertThat(new CompletionRequest("ab", null, GenerationOptions.DEFAULTS).characters())
                .isEqualTo(2);
    }

    @Test
    void needsAPrompt() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> new CompletionRequest("", "c", GenerationOptions.DEFAULTS))
                .withMessage("prompt: '' (expected: text)");
    }
}
