package dev.localllm.core.failure;

import static org.assertj.core.api.Assertions.assertThat;

import dev.localllm.core.failure.LlmFailure.ContextLengthExceeded;
import dev.localllm.core.failure.LlmFailure.RateLimited;
import dev.localllm.core.failure.LlmFailure.SchemaNotHonoured;
import dev.localllm.core.failure.LlmFailure.UnknownModel;
import java.time.Duration;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

class LlmFailureTest {

    static Stream<LlmFailure> failures() {
        return EveryFailure.stream();
    }

    @ParameterizedTest
    @MethodSource("failures")
    void hasAMessageForTheCaller(LlmFailure failure) {
        assertThat(failure.message()).isNotBlank();
        assertThat(new LlmException(failure)).hasMessage(failure.message());
    }

    @Test
    void namesTheModelAndTheTime() {
        assertThat(new UnknownModel("tiny").message()).contains("'tiny'");
        assertThat(new RateLimited(Duration.ofMillis(1500)).message()).contains("1500 ms");
    }

    /** Clients search for OpenAI's words. */
    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "5000 | 4096 | This model's maximum context length is 4096 tokens. However, your messages resulted in 5000 tokens.",
                "5000 | | Your messages exceed this model's maximum context length.",
                "| 4096 | Your messages exceed this model's maximum context length."
            })
    void tellsBothNumbersOfAnOverflowOrNone(@Nullable Integer prompt, @Nullable Integer context, String message) {
        assertThat(new ContextLengthExceeded("messages", prompt, context, null).message())
                .startsWith(message);
    }

    @Test
    void tellsTheLogHowAnAnswerDiffers() {
        assertThat(new SchemaNotHonoured("/type").detail()).isEqualTo("/type");
    }

    @Test
    void hasNoDetailWithoutTextOfTheModelServer() {
        assertThat(new UnknownModel("tiny").detail()).isNull();
    }
}
