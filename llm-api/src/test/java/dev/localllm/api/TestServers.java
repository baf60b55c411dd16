package dev.localllm.api;

import static org.junit.jupiter.api.Assertions.assertAll;

import dev.localllm.ollama.simulator.OllamaSimulator;
import dev.localllm.ollama.simulator.SimulatorSettings;
import java.net.URI;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import org.junit.jupiter.api.extension.AfterAllCallback;
import org.junit.jupiter.api.extension.AfterEachCallback;
import org.junit.jupiter.api.extension.ExtensionContext;

/**
 * A simulator and the servers of one test class. A server starts at its first use; all tests of the class that name the
 * same model server and settings share it, with its limits and circuits. After each test, the simulator has no open
 * exchange and no fault. To be registered in a static field.
 */
final class TestServers implements AfterEachCallback, AfterAllCallback {

    private static final Duration TIMEOUT = Duration.ofSeconds(10);

    private final OllamaSimulator simulator = OllamaSimulator.start(SimulatorSettings.unpaced());
    private final Map<String, TestServer> servers = new LinkedHashMap<>();

    OllamaSimulator simulator() {
        return simulator;
    }

    /** @param settings as for {@link TestServer} */
    TestServer server(String... settings) {
        return serverFor(simulator.baseUrl(), settings);
    }

    /** A server that uses another model server than the simulator. */
    TestServer serverFor(URI modelServer, String... settings) {
        return servers.computeIfAbsent(
                modelServer + " " + String.join(" ", settings), key -> new TestServer(modelServer, settings));
    }

    /** Waits until the simulator has that many open exchanges. */
    void awaitOpen(int expected) {
        simulator.openExchangesOverTime().filter(open -> open == expected).blockFirst(TIMEOUT);
    }

    @Override
    public void afterEach(ExtensionContext test) {
        try {
            awaitOpen(0);
        } finally {
            simulator.clearFaults();
        }
    }

    @Override
    public void afterAll(ExtensionContext tests) {
        try (simulator) {
            assertAll(servers.values().stream().map(server -> server::close)); // each, also if one fails
        }
    }
}
