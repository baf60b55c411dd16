package dev.localllm.api.config;

import dev.localllm.ollama.Ollama;
import dev.localllm.ollama.simulator.OllamaSimulator;
import dev.localllm.ollama.simulator.SimulatorSettings;
import java.net.URI;
import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Flux;

/**
 * Where Ollama is, found once at the start. Closing it ends the simulator, if it is one.
 *
 * @param simulator the embedded one at that address, or null for a real Ollama
 */
record OllamaLocation(URI baseUrl, @Nullable OllamaSimulator simulator) implements AutoCloseable {

    /** For both ends at their slowest, just started. Where nobody listens, the refusal comes at once. */
    private static final Duration PROBE_TIMEOUT = Duration.ofSeconds(3);

    private static final List<URI> USUAL =
            List.of(URI.create("http://127.0.0.1:11434"), URI.create("http://host.docker.internal:11434"));

    static OllamaLocation of(Settings settings) {
        return of(settings, USUAL);
    }

    /** @param usual where {@code auto} looks, the first that answers wins */
    static OllamaLocation of(Settings settings, List<URI> usual) {
        return switch (settings.ollamaBaseUrl()) {
            case Settings.EMBEDDED -> embedded(settings);
            case Settings.AUTO -> {
                URI found = firstThatAnswers(usual);
                yield found == null ? embedded(settings) : new OllamaLocation(found, null);
            }
            default -> new OllamaLocation(URI.create(settings.ollamaBaseUrl()), null);
        };
    }

    /** One line for the start of the log, loud about a simulator. */
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

    private static OllamaLocation embedded(Settings settings) {
        OllamaSimulator simulator =
                OllamaSimulator.start(SimulatorSettings.atPace(settings.simulatorTokensPerSecond()));
        return new OllamaLocation(simulator.baseUrl(), simulator);
    }

    /** Blocks, at most for the probe's time: nothing is served before the answer is known. */
    private static @Nullable URI firstThatAnswers(List<URI> candidates) {
        return Flux.fromIterable(candidates)
                .flatMapSequential(uri -> Ollama.answers(uri, PROBE_TIMEOUT)
                        .filter(answers -> answers)
                        .map(answers -> uri))
                .blockFirst();
    }
}
