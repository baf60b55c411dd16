package dev.localllm.core.chat;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.util.List;
import org.junit.jupiter.api.Test;

class ChatRequestTest {

    @Test
    void requiresAMessage() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> new ChatRequest(List.of(), GenerationOptions.DEFAULTS))
                .withMessage("messages: [] (expected: one or more)");
    }

    @Test
    void requiresAPrompt() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> new CompletionRequest("", "a", GenerationOptions.DEFAULTS))
                .withMessage("prompt: '' (expected: text)");
    }

    @Test
    void requiresNamesOfFunctions() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> new ToolDefinition("", null, "{}"))
                .withMessage("name: '' (expected: the function's name)");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> new ToolChoice.Function(""))
                .withMessage("name: '' (expected: the function's name)");
    }

    @Test
    void addsUpItsTokens() {
        assertThat(new Usage(3, 2, 4).totalTokens()).isEqualTo(7);
    }
}
