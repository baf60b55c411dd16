package dev.localllm.ollama;

import static org.assertj.core.api.Assertions.assertThat;

import org.jspecify.annotations.Nullable;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class OllamaVersionTest {

    @ParameterizedTest
    @ValueSource(strings = {"0.30.0", "0.30.11", "v0.31.2", "0.33.0-rc2", "0.33.9"})
    void acceptsSupportedVersions(String version) {
        assertThat(OllamaVersion.warning(version)).isNull();
    }

    @ParameterizedTest
    @CsvSource({
        "0.29.9, is older than 0.30",
        "0.3.30, is older than 0.30",
        "0.12.3, is older than 0.30",
        "0.34.0, is newer than 0.33",
        "0.300.0, is newer than 0.33",
        "1.0.0, is newer than 0.33",
        "0.0.0, is unknown",
        "main-4f3a, is unknown",
        "99999999999.1, is unknown",
        "0.31 <script>, is unknown",
        ", is unknown"
    })
    void warnsOfOtherVersions(@Nullable String version, String words) {
        assertThat(OllamaVersion.warning(version))
                .doesNotContain("script")
                .contains(words)
                .doesNotContain("\n");
    }
}
