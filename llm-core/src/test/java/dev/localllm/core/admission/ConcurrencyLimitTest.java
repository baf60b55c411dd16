package dev.localllm.core.admission;

import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import dev.localllm.core.failure.LlmException;
import dev.localllm.core.failure.LlmFailure.Overloaded;
import org.junit.jupiter.api.Test;

class ConcurrencyLimitTest {

    private final ConcurrencyLimit limit = new ConcurrencyLimit(2);

    @Test
    void failsAtTheLimitAndWorksAgainBelowIt() {
        ConcurrencyLimit.Permit first = limit.acquire();
        limit.acquire();
        assertFull();

        first.release();

        limit.acquire();
        assertFull();
    }

    @Test
    void releasesAPermitOnce() {
        ConcurrencyLimit.Permit first = limit.acquire();
        limit.acquire();

        first.release();
        first.release();

        limit.acquire();
        assertFull();
    }

    @Test
    void requiresAtLeastOnePermit() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> new ConcurrencyLimit(0))
                .withMessage("permits: 0 (expected: 1 or more)");
    }

    private void assertFull() {
        assertThatExceptionOfType(LlmException.class)
                .isThrownBy(limit::acquire)
                .matches(e -> e.failure() instanceof Overloaded overloaded && !overloaded.charged());
    }
}
