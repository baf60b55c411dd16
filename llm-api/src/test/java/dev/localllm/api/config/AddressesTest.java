package dev.localllm.api.config;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The limits of what is valid; SettingsTest has the invalid values. */
class AddressesTest {

    @ParameterizedTest
    @ValueSource(strings = {"http://a", "https://a.example:1", "https://a.example:65535", "http://[::1]:80"})
    void acceptsOrigins(String text) {
        assertThat(Addresses.isOrigin(text, false)).isTrue();
    }

    @ParameterizedTest
    @ValueSource(strings = {"0.0.0.0/0", "192.0.2.1/32", "::/0", "2001:db8::1/128"})
    void acceptsNetworks(String text) {
        assertThat(Addresses.isNetwork(text)).isTrue();
    }
}
