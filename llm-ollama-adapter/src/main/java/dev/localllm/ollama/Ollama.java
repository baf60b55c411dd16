package dev.localllm.ollama;

import dev.localllm.core.catalog.LoadedModels;
import dev.localllm.core.catalog.ModelCatalog;
import dev.localllm.core.chat.ChatModel;
import dev.localllm.core.embedding.EmbeddingModel;
import dev.localllm.core.failure.LlmException;
import dev.localllm.upstream.Upstream;
import io.netty.channel.ChannelOption;
import java.net.URI;
import java.time.Duration;
import java.util.function.LongSupplier;
import reactor.core.publisher.Mono;
import reactor.netty.http.HttpResources;
import reactor.netty.http.client.HttpClient;
import reactor.netty.resources.LoopResources;

/**
 * One Ollama server: creates the ports to it. Connects on first use. Thread-safe. {@link #close} closes idle
 * connections at once, and the others when their exchange is over.
 */
public final class Ollama implements AutoCloseable {

    private static final String VERSION_PATH = "/api/version";

    private final Upstream upstream;
    private final OllamaChatModel chatModel;
    private final OllamaEmbeddings embeddings;

    /**
     * Uses the event loops that are shared in the process.
     *
     * @param clock in nanoseconds, as {@link System#nanoTime}
     */
    public Ollama(OllamaSettings settings, LongSupplier clock) {
        this(settings, clock, HttpResources.get());
    }

    /**
     * @param clock in nanoseconds, as {@link System#nanoTime}
     * @param loops event loops, not closed here; share the web server's, so that a response rarely changes threads
     */
    public Ollama(OllamaSettings settings, LongSupplier clock, LoopResources loops) {
        this(settings, clock, loops, clock);
    }

    /** @param circuitClock clock of the circuits' open duration, in nanoseconds */
    Ollama(OllamaSettings settings, LongSupplier clock, LoopResources loops, LongSupplier circuitClock) {
        this.upstream =
                new Upstream("Ollama", settings.baseUrl(), VERSION_PATH, settings.limits(), loops, clock, circuitClock);
        this.chatModel = new OllamaChatModel(upstream, settings);
        this.embeddings = new OllamaEmbeddings(upstream, settings);
    }

    /** Emits true if an Ollama responds at the address within the timeout. Never fails. */
    public static Mono<Boolean> responds(URI baseUrl, Duration timeout) {
        return HttpClient.newConnection()
                .baseUrl(baseUrl.toString())
                .option(ChannelOption.CONNECT_TIMEOUT_MILLIS, Math.toIntExact(timeout.toMillis()))
                .get()
                .uri(VERSION_PATH)
                .responseSingle((response, body) ->
                        body.asString().map(text -> response.status().code() == 200 && text.contains("\"version\"")))
                .timeout(timeout)
                .onErrorReturn(false)
                .defaultIfEmpty(false);
    }

    public ChatModel chatModel() {
        return chatModel;
    }

    public EmbeddingModel embeddingModel() {
        return embeddings;
    }

    public ModelCatalog modelCatalog() {
        return new OllamaModelCatalog(upstream);
    }

    public LoadedModels loadedModels() {
        return new OllamaLoadedModels(upstream);
    }

    /** What the circuits do now, and have done since the start. */
    public Upstream.CircuitStates circuits() {
        return upstream.circuits();
    }

    /**
     * Requests Ollama's version.
     *
     * @return one sentence if the version is not supported; empty if it is, or if Ollama doesn't respond
     */
    public Mono<String> versionWarning() {
        return OllamaJson.get(upstream, VERSION_PATH, OllamaWire.Version.class)
                .mapNotNull(answer -> OllamaVersion.warning(answer.version()))
                .onErrorComplete(LlmException.class);
    }

    @Override
    public void close() {
        upstream.close();
    }
}
