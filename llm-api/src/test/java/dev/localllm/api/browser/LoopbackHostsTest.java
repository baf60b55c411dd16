package dev.localllm.api.browser;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class LoopbackHostsTest {

    private final LoopbackHosts hosts = new LoopbackHosts(List.of("Studio.", "mac-mini.local"));

    @ParameterizedTest
    @ValueSource(
            strings = {
                "localhost",
                "LocalHost.:8000",
                "app.localhost:3000",
                "host.docker.internal:8000",
                "127.0.0.1:8000",
                "127.1.2.3",
                "[::1]:8000",
                "[::1]",
                "::1]",
                "studio",
                "STUDIO.:8000",
                "mac-mini.local"
            })
    void allowsLoopbackAndConfiguredHosts(String host) {
        assertThat(hosts.isAllowed(host)).isTrue();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                ":8000",
                ".",
                "evil.example.com",
                "localhost.evil.com",
                "evillocalhost",
                "mac-mini",
                "192.168.1.10:8000",
                "0.0.0.0",
                "[2001:db8::1]",
                "[::1"
            })
    void refusesOtherHosts(String host) {
        assertThat(hosts.isAllowed(host)).isFalse();
    }

    @Test
    void allowsAMissingHost() {
        assertThat(hosts.isAllowed(null)).isTrue();
    }
}
