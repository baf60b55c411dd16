package dev.localllm.api.config;

import static org.assertj.core.api.Assertions.assertThat;

import dev.localllm.ollama.simulator.OllamaSimulator;
import dev.localllm.ollama.simulator.SimulatorSettings;
import java.net.URI;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class OllamaLocationTest {

    private static final URI NOBODY = URI.create("http://127.0.0.1:19");

    @Test
    void takesTheUrlThatIsGivenWithoutAsking() {
        try (OllamaLocation location = OllamaLocation.of(settings("http://10.0.0.5:11434"), List.of())) {
            assertThat(location.baseUrl()).isEqualTo(URI.create("http://10.0.0.5:11434"));
            assertThat(location.simulator()).isNull();
            assertThat(location.description()).isEqualTo("Ollama at http://10.0.0.5:11434");
        }
    }

    @Test
    void takesTheOllamaThatAnswers() {
        try (OllamaSimulator real = OllamaSimulator.start(SimulatorSettings.unpaced());
                OllamaLocation location = OllamaLocation.of(settings("auto"), List.of(NOBODY, real.baseUrl()))) {
            assertThat(location.baseUrl()).isEqualTo(real.baseUrl());
            assertThat(location.simulator()).isNull();
        }
    }

    @Test
    void takesTheSimulatorLoudlyWhenNoOllamaAnswers() {
        try (OllamaLocation location = OllamaLocation.of(settings("auto"), List.of(NOBODY))) {
            assertThat(location.simulator()).isNotNull();
            assertThat(location.description()).contains("NO REAL MODEL").contains(OllamaSimulator.CHAT_MODEL);
        }
    }

    @Test
    void takesTheSimulatorWhenAskedTo() {
        try (OllamaSimulator real = OllamaSimulator.start(SimulatorSettings.unpaced());
                OllamaLocation location = OllamaLocation.of(settings("embedded"), List.of(real.baseUrl()))) {
            assertThat(location.baseUrl()).isNotEqualTo(real.baseUrl());
            assertThat(location.simulator()).isNotNull();
        }
    }

    private static Settings settings(String ollama) {
        return Settings.from(Map.of("OLLAMA_BASE_URL", ollama)::get);
    }
}
