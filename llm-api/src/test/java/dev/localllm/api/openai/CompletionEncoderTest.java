package dev.localllm.api.openai;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.localllm.api.memory.ByteBudget;
import dev.localllm.core.catalog.ModelId;
import dev.localllm.core.chat.ChatEvent;
import dev.localllm.core.chat.ChatEvent.TextDelta;
import dev.localllm.core.chat.ChatEvent.ThinkingDelta;
import dev.localllm.core.chat.ChatEvent.ToolCallDelta;
import dev.localllm.core.chat.JsonText;
import dev.localllm.core.failure.LlmException;
import dev.localllm.core.failure.LlmFailure.Overloaded;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class CompletionEncoderTest {

    private static final String LONG = "a".repeat(600);

    private final ByteBudget budget = new ByteBudget(1000);

    static Stream<ChatEvent> events() {
        return Stream.of(
                new TextDelta(JsonText.of(LONG)),
                new ThinkingDelta(JsonText.of(LONG)),
                new ToolCallDelta(0, "call_1", "search", "{\"q\":\"" + LONG + "\"}"));
    }

    @ParameterizedTest
    @MethodSource("events")
    void sharesABudgetWithTheOthers(ChatEvent event) {
        CompletionEncoder first = encoder();
        CompletionEncoder second = encoder();
        first.add(List.of(event));
        assertThat(budget.used()).isGreaterThanOrEqualTo(LONG.length());

        assertThatExceptionOfType(LlmException.class)
                .isThrownBy(() -> second.add(List.of(event)))
                .satisfies(e -> assertThat(e.failure())
                        .isInstanceOfSatisfying(
                                Overloaded.class, f -> assertThat(f.charged()).isTrue()));
        second.close();
        first.close();
        first.close();

        assertThat(budget.used()).isZero();
        encoder().add(List.of(event));
    }

    @Test
    void takesNothingOnceItIsClosed() {
        CompletionEncoder encoder = encoder();
        encoder.close();
        encoder.add(List.of(new TextDelta(JsonText.of(LONG))));

        assertThat(budget.used()).isZero();
    }

    private CompletionEncoder encoder() {
        return new CompletionEncoder(new ResponseHead("chatcmpl-1", 1, new ModelId("tiny")), budget);
    }
}
