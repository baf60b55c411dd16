package dev.localllm.api.config;

import dev.localllm.api.config.Settings.ModelServer;
import dev.localllm.ollama.Ollama;
import dev.localllm.ollama.simulator.OllamaSimulator;
import dev.localllm.ollama.simulator.SimulatorSettings;
import java.net.URI;
import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Flux;

/**
 * The address of Ollama, found once at the start. {@link #close} stops the simulator, if there is one.
 *
 * @param simulator the embedded simulator at that address, or null for a real Ollama
 */
record OllamaLocation(URI baseUrl, @Nullable OllamaSimulator simulator) implements AutoCloseable {

    /** Long enough for a server and an Ollama that have just started. A closed port refuses at once. */
    private static final Duration PROBE_TIMEOUT = Duration.ofSeconds(3);

    private static final List<URI> DEFAULT_URLS =
            List.of(URI.create("http://127.0.0.1:11434"), URI.create("http://host.docker.internal:11434"));

    static OllamaLocation of(ModelServer settings) {
        return of(settings, DEFAULT_URLS);
    }

    /** @param candidates the addresses that {@code auto} tries; the first in this order that responds is taken */
    static OllamaLocation of(ModelServer settings, List<URI> candidates) {
        return switch (settings.baseUrl()) {
            case ModelServer.EMBEDDED -> embedded(settings);
            case ModelServer.AUTO -> {
                URI found = firstReachable(candidates);
                yield found == null ? embedded(settings) : new OllamaLocation(found, null);
            }
            default -> new OllamaLocation(URI.create(settings.baseUrl()), null);
        };
    }

    /** One line for the log at the start, with a clear warning if it is the simulator. */
    String description() {
        return simulator == null
                ? "Ollama at " + baseUrl
                : "NO REAL MODEL: the embedded simulator answers (" + OllamaSimulator.CHAT_MODEL + " at " + baseUrl
                        + "). Start Ollama or set OLLAMA_BASE_URL for real answers.";
    }

    @Override
    public void close() {
        if (simulator != null) {
            simulator.close();
        }
    }

    private static OllamaLocation embedded(ModelServer settings) {
        OllamaSimulator simulator =
                OllamaSimulator.start(SimulatorSettings.atPace(settings.simulatorTokensPerSecond()));
        return new OllamaLocation(simulator.baseUrl(), simulator);
    }

    /** Blocks for at most {@link #PROBE_TIMEOUT}; the server does not serve yet. */
    private static @Nullable URI firstReachable(List<URI> candidates) {
        return Flux.fromIterable(candidates)
                .flatMapSequential(uri -> Ollama.responds(uri, PROBE_TIMEOUT)
                        .filter(responds -> responds)
                        .map(responds -> uri))
                .blockFirst();
    }
}
