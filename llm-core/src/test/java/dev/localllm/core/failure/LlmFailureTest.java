package dev.localllm.core.failure;

import static org.assertj.core.api.Assertions.assertThat;

import dev.localllm.core.failure.LlmFailure.RateLimited;
import dev.localllm.core.failure.LlmFailure.UnknownModel;
import java.time.Duration;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
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

    @Test
    void hasNoDetailWithoutTextOfTheModelServer() {
        assertThat(new UnknownModel("tiny").detail()).isNull();
    }
}
