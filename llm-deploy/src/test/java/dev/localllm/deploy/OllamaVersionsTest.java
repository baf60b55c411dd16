package dev.localllm.deploy;

import static dev.localllm.deploy.DeployFiles.valueIn;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The server, the preflight and the documentation name the same supported versions of Ollama. */
class OllamaVersionsTest {

    private static final String SERVER = "../llm-ollama-adapter/src/main/java/dev/localllm/ollama/OllamaVersion.java";
    private static final String PREFLIGHT = "lib/preflight.sh";
    private static final String OPERATIONS = "../docs/operations.md";
    private static final String RECORDED =
            "../llm-ollama-adapter/src/test/resources/recordings/01-version.response.http";

    @ParameterizedTest
    @ValueSource(strings = {"OLDEST", "NEWEST"})
    void preflightSupportsWhatTheServerSupports(String end) throws IOException {
        assertThat(ofPreflight(end)).isEqualTo(valueIn(SERVER, "\\b" + end + " = \"([^\"]*)\";"));
    }

    @Test
    void documentationNamesTheSupportedVersions() throws IOException {
        assertThat(valueIn(OPERATIONS, "Ollama (\\S+ to \\S+) is supported"))
                .isEqualTo(ofPreflight("OLDEST") + " to " + ofPreflight("NEWEST"));
    }

    @Test
    void theNewestSupportedVersionIsTheRecordedOne() throws IOException {
        assertThat(valueIn(RECORDED, "\"version\":\"(\\d+\\.\\d+)\\.")).isEqualTo(ofPreflight("NEWEST"));
    }

    private static String ofPreflight(String end) throws IOException {
        return valueIn(PREFLIGHT, "^" + end + "_OLLAMA=(\\S+)");
    }
}
