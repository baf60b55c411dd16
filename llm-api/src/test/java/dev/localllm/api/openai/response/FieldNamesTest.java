package dev.localllm.api.openai.response;

import static org.assertj.core.api.Assertions.assertThat;

import dev.localllm.core.failure.LlmException;
import dev.localllm.core.failure.LlmFailure;
import dev.localllm.core.failure.LlmFailure.InvalidRequest;
import dev.localllm.core.failure.LlmFailure.ShuttingDown;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class FieldNamesTest {

    static Stream<LlmFailure> others() {
        return Stream.of(
                new InvalidRequest("tool_choice", "tool_choice: no"),
                new InvalidRequest(null, "The request has no body."),
                new ShuttingDown());
    }

    @Test
    void namesFieldsAsThisRouteDoes() {
        assertThat(translated(new InvalidRequest("messages", "messages: 9 messages (expected: at most 8)", "d")))
                .isEqualTo(new InvalidRequest("input", "input: 9 messages (expected: at most 8)", "d"));
        assertThat(translated(new InvalidRequest("response_format", "response_format: not supported")))
                .isEqualTo(new InvalidRequest("text.format", "text.format: not supported"));
    }

    @ParameterizedTest
    @MethodSource("others")
    void keepsOtherFailures(LlmFailure failure) {
        assertThat(translated(failure)).isSameAs(failure);
    }

    private static LlmFailure translated(LlmFailure failure) {
        return FieldNames.translated(new LlmException(failure)).failure();
    }
}
