package dev.localllm.api.config;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.net.httpserver.HttpServer;
import dev.localllm.ollama.simulator.OllamaSimulator;
import dev.localllm.ollama.simulator.SimulatorSettings;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;

class OllamaLocationTest {

    private static final URI CLOSED = URI.create("http://127.0.0.1:19");

    @Test
    void usesAConfiguredUrlWithoutAProbe() {
        try (OllamaLocation location = OllamaLocation.of(settings("http://10.0.0.5:11434"), List.of())) {
            assertThat(location.baseUrl()).isEqualTo(URI.create("http://10.0.0.5:11434"));
            assertThat(location.simulator()).isNull();
            assertThat(location.description()).isEqualTo("Ollama at http://10.0.0.5:11434");
        }
    }

    @Test
    void usesTheOllamaThatResponds() {
        try (OllamaSimulator real = OllamaSimulator.start(SimulatorSettings.unpaced());
                OllamaLocation location = OllamaLocation.of(settings("auto"), List.of(CLOSED, real.baseUrl()))) {
            assertThat(location.baseUrl()).isEqualTo(real.baseUrl());
            assertThat(location.simulator()).isNull();
        }
    }

    @Test
    void waitsForABusyOllama() throws IOException {
        HttpServer busy = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        busy.createContext("/api/version", exchange -> {
            LockSupport.parkNanos(Duration.ofMillis(1500).toNanos());
            byte[] version = "{\"version\":\"0.12.3\"}".getBytes(StandardCharsets.UTF_8);
            exchange.sendResponseHeaders(200, version.length);
            exchange.getResponseBody().write(version);
            exchange.close();
        });
        busy.start();
        URI url = URI.create("http://127.0.0.1:" + busy.getAddress().getPort());
        try (OllamaLocation location = OllamaLocation.of(settings("auto"), List.of(url))) {
            assertThat(location.baseUrl()).isEqualTo(url);
        } finally {
            busy.stop(0);
        }
    }

    @Test
    void usesTheSimulatorWithAWarningIfNoOllamaResponds() {
        try (OllamaLocation location = OllamaLocation.of(settings("auto"), List.of(CLOSED))) {
            assertThat(location.simulator()).isNotNull();
            assertThat(location.description()).contains("NO REAL MODEL").contains(OllamaSimulator.CHAT_MODEL);
        }
    }

    @Test
    void usesTheSimulatorIfConfigured() {
        try (OllamaSimulator real = OllamaSimulator.start(SimulatorSettings.unpaced());
                OllamaLocation location = OllamaLocation.of(settings("embedded"), List.of(real.baseUrl()))) {
            assertThat(location.baseUrl()).isNotEqualTo(real.baseUrl());
            assertThat(location.simulator()).isNotNull();
        }
    }

    private static Settings.ModelServer settings(String ollama) {
        return Settings.from(Map.of("OLLAMA_BASE_URL", ollama)::get).modelServer();
    }
}
