package dev.localllm.api.memory;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class ByteBudgetTest {

    private final ByteBudget budget = new ByteBudget(10);

    @Test
    void isUsedUpToItsCapacity() {
        assertThat(budget.tryTake(9)).isTrue();
        assertThat(budget.tryTake(2)).isFalse();
        assertThat(budget.hasRoom()).isTrue();
        assertThat(budget.tryTake(1)).isTrue();
        assertThat(budget.hasRoom()).isFalse();
        assertThat(budget.used()).isEqualTo(10);
    }

    @Test
    void countsBytesThatAreInMemoryAlready() {
        budget.take(15);
        assertThat(budget.used()).isEqualTo(15);

        budget.take(-5);
        budget.release(1);

        assertThat(budget.used()).isEqualTo(9);
    }
}
