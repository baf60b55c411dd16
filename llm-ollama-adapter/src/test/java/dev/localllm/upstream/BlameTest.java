package dev.localllm.upstream;

import static org.assertj.core.api.Assertions.assertThat;

import dev.localllm.core.failure.EveryFailure;
import dev.localllm.core.failure.LlmFailure;
import dev.localllm.core.failure.LlmFailure.ContextLengthExceeded;
import dev.localllm.core.failure.LlmFailure.DeadlineExceeded;
import dev.localllm.core.failure.LlmFailure.InputTooLong;
import dev.localllm.core.failure.LlmFailure.InvalidRequest;
import dev.localllm.core.failure.LlmFailure.UnknownModel;
import dev.localllm.core.failure.LlmFailure.UnsupportedByModel;
import dev.localllm.core.failure.LlmFailure.UpstreamFailed;
import dev.localllm.core.failure.LlmFailure.UpstreamProtocol;
import dev.localllm.core.failure.LlmFailure.UpstreamUnavailable;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class BlameTest {

    /** All other failures have {@link Blame#NONE}. */
    private static final Map<Class<?>, Blame> EXPECTED = Map.of(
            UpstreamUnavailable.class, Blame.MODEL,
            DeadlineExceeded.class, Blame.MODEL,
            UpstreamFailed.class, Blame.MODEL,
            UpstreamProtocol.class, Blame.MODEL,
            InvalidRequest.class, Blame.CALLER,
            UnknownModel.class, Blame.CALLER,
            UnsupportedByModel.class, Blame.CALLER,
            ContextLengthExceeded.class, Blame.CALLER,
            InputTooLong.class, Blame.CALLER);

    static Stream<LlmFailure> failures() {
        return EveryFailure.stream();
    }

    @ParameterizedTest
    @MethodSource("failures")
    void judgesEveryFailure(LlmFailure failure) {
        assertThat(Blame.of(failure)).isEqualTo(EXPECTED.getOrDefault(failure.getClass(), Blame.NONE));
    }
}
