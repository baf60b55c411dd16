package dev.localllm.api.failure;

import static org.assertj.core.api.Assertions.assertThat;

import dev.localllm.api.failure.FailureResponse.Retry;
import dev.localllm.core.failure.Deadline;
import dev.localllm.core.failure.LlmException;
import dev.localllm.core.failure.LlmFailure;
import dev.localllm.core.failure.LlmFailure.DeadlineExceeded;
import dev.localllm.core.failure.LlmFailure.InvalidRequest;
import dev.localllm.core.failure.LlmFailure.Overloaded;
import dev.localllm.core.failure.LlmFailure.UpstreamFailed;
import dev.localllm.core.failure.LlmFailure.UpstreamProtocol;
import dev.localllm.core.failure.LlmFailure.UpstreamUnavailable;
import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class FailureResponseTest {

    @ParameterizedTest
    @EnumSource(Deadline.class)
    void givesEachDeadlineItsCode(Deadline deadline) {
        assertThat(FailureResponse.of(new DeadlineExceeded(deadline, "no")).code())
                .isEqualTo(
                        switch (deadline) {
                            case QUEUE -> "queue_timeout";
                            case CONNECT -> "connect_timeout";
                            case FIRST_TOKEN -> "first_token_timeout";
                            case IDLE -> "idle_timeout";
                            case TOTAL -> "total_timeout";
                        });
    }

    @Test
    void asksNoClientToTryAgainAtOnce() {
        assertThat(overloaded(null)).isEqualTo(new Retry.After(Duration.ofSeconds(5)));
        assertThat(overloaded(Duration.ZERO)).isEqualTo(new Retry.After(Duration.ofSeconds(1)));
        assertThat(overloaded(Duration.ofSeconds(7))).isEqualTo(new Retry.After(Duration.ofSeconds(7)));
    }

    private static Retry overloaded(@Nullable Duration expectedWait) {
        return FailureResponse.of(new Overloaded("full", false, expectedWait)).retry();
    }

    @Test
    void limitsTheLengthOfMessagesAndFields() {
        FailureResponse response = FailureResponse.of(new InvalidRequest("f".repeat(1000), "m".repeat(1000)));

        assertThat(response.message()).hasSize(512).endsWith("m…");
        assertThat(response.field()).hasSize(128).endsWith("f…");
        FailureResponse longest = FailureResponse.of(new InvalidRequest("f".repeat(128), "m".repeat(512)));
        assertThat(longest.message()).isEqualTo("m".repeat(512));
        assertThat(longest.field()).isEqualTo("f".repeat(128));
    }

    @Test
    void showsCallersOnlyAFixedMessageAndTheRequestIdForA5xx() {
        String secret = "open /Users/me/.ollama/models/blobs/sha256-1: no such file";
        for (LlmFailure failure :
                List.of(new UpstreamFailed(secret), new UpstreamProtocol(secret), new UpstreamUnavailable(secret))) {
            FailureResponse response = FailureResponse.of(new LlmException(failure), "id-1");

            assertThat(response.message())
                    .isEqualTo(failure.message() + " (request id-1)")
                    .doesNotContain("/Users");
            assertThat(response.detail()).isEqualTo(secret);
        }
    }
}
