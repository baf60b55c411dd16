package dev.localllm.core.chat;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import dev.localllm.core.catalog.ModelId;
import java.util.Map;
import org.junit.jupiter.api.Test;

class DefaultThinkingTest {

    private static final ModelId SOBER = new ModelId("sober");
    private static final ModelId OTHER = new ModelId("other");

    private final DefaultThinking thinking = new DefaultThinking(Map.of(SOBER, Thinking.OFF));

    @Test
    void appliesToAllSpellingsOfTheModel() {
        assertThat(thinking.of(SOBER, Thinking.MODEL_DEFAULT)).isEqualTo(Thinking.OFF);
        assertThat(thinking.of(new ModelId("Sober:latest"), Thinking.MODEL_DEFAULT))
                .isEqualTo(Thinking.OFF);
        assertThat(thinking.of(OTHER, Thinking.MODEL_DEFAULT)).isEqualTo(Thinking.MODEL_DEFAULT);
        assertThat(DefaultThinking.NONE.of(SOBER, Thinking.MODEL_DEFAULT)).isEqualTo(Thinking.MODEL_DEFAULT);
    }

    @Test
    void prefersWhatTheRequestAsksFor() {
        assertThat(thinking.of(SOBER, Thinking.HIGH)).isEqualTo(Thinking.HIGH);
    }

    @Test
    void refusesTwoNamesOfOneModel() {
        Map<ModelId, Thinking> twice = Map.of(SOBER, Thinking.OFF, new ModelId("sober:latest"), Thinking.ON);

        assertThatIllegalArgumentException().isThrownBy(() -> new DefaultThinking(twice));
    }
}
