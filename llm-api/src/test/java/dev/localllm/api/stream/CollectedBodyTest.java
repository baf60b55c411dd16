package dev.localllm.api.stream;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.localllm.api.memory.ByteBudget;
import dev.localllm.core.chat.ChatEvent;
import dev.localllm.core.chat.ChatEvent.TextDelta;
import dev.localllm.core.chat.JsonText;
import dev.localllm.core.failure.LlmException;
import dev.localllm.core.failure.LlmFailure.Overloaded;
import dev.localllm.core.failure.LlmFailure.UpstreamProtocol;
import java.util.List;
import org.junit.jupiter.api.Test;

class CollectedBodyTest {

    private static final List<ChatEvent> LONG = List.of(new TextDelta(JsonText.of("a".repeat(600))));

    private final ByteBudget budget = new ByteBudget(1000);

    @Test
    void sharesABudgetWithOtherBodies() {
        CollectedBody first = new CollectedBody(new LinesBody(), budget);
        CollectedBody second = new CollectedBody(new LinesBody(), budget);
        first.add(LONG);
        assertThat(budget.used()).isGreaterThanOrEqualTo(600);

        assertThatExceptionOfType(LlmException.class)
                .isThrownBy(() -> second.add(LONG))
                .satisfies(e -> assertThat(e.failure())
                        .isInstanceOfSatisfying(
                                Overloaded.class, f -> assertThat(f.charged()).isTrue()));
        second.close();
        first.close();
        first.close();

        assertThat(budget.used()).isZero();
        new CollectedBody(new LinesBody(), budget).add(LONG);
    }

    @Test
    void chargesOnlyItsGrowth() {
        ByteBudget roomy = new ByteBudget(1300);
        CollectedBody body = new CollectedBody(new LinesBody(), roomy);

        body.add(LONG);
        body.add(LONG);

        assertThat(roomy.used()).isBetween(1200L, 1300L);
    }

    @Test
    void chargesNothingOnceClosed() {
        CollectedBody body = new CollectedBody(new LinesBody(), budget);
        body.close();
        body.add(LONG);

        assertThat(budget.used()).isZero();
    }

    @Test
    void hasALimitOfItsOwn() {
        CollectedBody body = new CollectedBody(new LinesBody(), new ByteBudget(Long.MAX_VALUE));
        List<ChatEvent> large = List.of(new TextDelta(JsonText.of("a".repeat(8 << 20))));
        int around = "{'text':''}".length();
        List<ChatEvent> largest = List.of(new TextDelta(JsonText.of("a".repeat((8 << 20) - around))));
        new CollectedBody(new LinesBody(), new ByteBudget(8 << 20)).add(largest);

        assertThatExceptionOfType(LlmException.class)
                .isThrownBy(() -> body.add(large))
                .satisfies(e -> assertThat(e.failure()).isInstanceOf(UpstreamProtocol.class));
    }
}
