package dev.localllm.core.admission;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class SharedTimeTest {

    private final SharedTime time = new SharedTime(100);

    @Test
    void dividesTheTimeAmongTheHeldPermits() {
        time.join(3);
        time.hold();
        time.hold();

        time.advance(106);

        assertThat(time.perPermit()).isEqualTo(3);
        assertThat(time.perWeight()).isEqualTo(2);
    }

    @Test
    void chargesNothingWhileNoPermitIsHeld() {
        time.join(1);

        time.advance(106);

        assertThat(time.now()).isEqualTo(106);
        assertThat(time.perPermit()).isZero();
        assertThat(time.perWeight()).isZero();
    }

    @Test
    void standsStillWhenTheClockGoesBack() {
        time.join(1);
        time.hold();

        time.advance(90);

        assertThat(time.now()).isEqualTo(100);
        assertThat(time.perPermit()).isZero();
    }
}
