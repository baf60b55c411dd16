package dev.localllm.ollama.simulator;

import static org.assertj.core.api.Assertions.assertThat;

import dev.localllm.ollama.simulator.SimulatorWire.Logprob;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class LogprobsTest {

    private static final List<String> TOKENS = List.of("A", " the", " simulator", "🙂", "저는");

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 20})
    void givesTheGeneratedTokenAndLessProbableOnes(int top) {
        assertThat(new Logprobs(top).of(TOKENS)).allSatisfy(entry -> {
            List<Logprob> best = entry.topLogprobs();
            assertThat(best).hasSize(top).extracting(Logprob::token).doesNotHaveDuplicates();
            assertThat(best.getFirst()).isEqualTo(new Logprob(entry.token(), entry.logprob(), entry.bytes(), null));
            assertThat(best.stream().map(other -> -other.logprob()).toList()).isSorted();
            assertThat(best.stream()
                            .mapToDouble(other -> Math.exp(other.logprob()))
                            .sum())
                    .isBetween(0.5, 1.0);
        });
    }

    @Test
    void givesOnlyTheTokenIfNoOthersAreAsked() {
        assertThat(new Logprobs(0).of(TOKENS))
                .allSatisfy(entry -> assertThat(entry.topLogprobs()).isNull())
                .allSatisfy(entry -> assertThat(entry.logprob()).isNegative())
                .extracting(Logprob::token)
                .containsExactlyElementsOf(TOKENS);
    }

    @Test
    void givesUnsignedBytes() {
        assertThat(new Logprobs(0).of(List.of("é")).getFirst().bytes()).containsExactly(0xC3, 0xA9);
    }

    @Test
    void isTheSameForTheSameToken() {
        assertThat(new Logprobs(3).of(TOKENS)).isEqualTo(new Logprobs(3).of(TOKENS));
    }
}
