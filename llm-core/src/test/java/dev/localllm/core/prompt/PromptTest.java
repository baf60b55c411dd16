package dev.localllm.core.prompt;

import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import dev.localllm.core.failure.LlmException;
import org.junit.jupiter.api.Test;

class PromptTest {

    @Test
    void requiresAtLeastOneMessageAndOneCharacter() {
        assertThatCode(() -> new PromptLimits(1, 1).check(1, 1)).doesNotThrowAnyException();
        assertThatIllegalArgumentException()
                .isThrownBy(() -> new PromptLimits(0, 1))
                .withMessage("limits: 0, 1 (expected: 1 or more of each)");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> new PromptLimits(1, 0))
                .withMessage("limits: 1, 0 (expected: 1 or more of each)");
    }

    @Test
    void refusesWhatExceedsALimit() {
        assertThatExceptionOfType(LlmException.class)
                .isThrownBy(() -> new PromptLimits(1, 9).check(2, 1))
                .withMessage("messages: 2 messages (expected: at most 1)");
        assertThatExceptionOfType(LlmException.class)
                .isThrownBy(() -> new PromptLimits(1, 9).check(1, 10))
                .withMessage("messages: 10 characters in all messages together (expected: at most 9)");
        assertThatCode(() -> new PromptLimits(1, 9).checkText(9)).doesNotThrowAnyException();
        assertThatExceptionOfType(LlmException.class)
                .isThrownBy(() -> new PromptLimits(1, 9).checkText(10))
                .withMessage("prompt: 10 characters, with the suffix (expected: at most 9)");
    }

    @Test
    void refusesABlankSystemPrompt() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> new SystemPrompt(" \n"))
                .withMessageStartingWith("system prompt: blank");
    }
}
