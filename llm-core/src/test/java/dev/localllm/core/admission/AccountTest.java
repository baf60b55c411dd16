package dev.localllm.core.admission;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class AccountTest {

    private final Account account = new Account(4);

    @Test
    void dividesTheUsedTimeByTheWeight() {
        account.start(0);
        assertThat(account.level(8)).isEqualTo(2);

        account.stop(0, 8);
        assertThat(account.level(100)).isEqualTo(2);
    }

    @Test
    void goesOnChargingTheOtherRunningRequests() {
        account.start(1);
        account.start(5);

        account.stop(1, 9);

        assertThat(account.level(13)).isEqualTo((8 + 8) / 4.0);
    }
}
