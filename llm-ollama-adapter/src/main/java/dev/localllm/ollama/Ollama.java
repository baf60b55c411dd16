package dev.localllm.ollama;

import dev.localllm.core.catalog.ModelCatalog;
import dev.localllm.core.chat.ChatModel;
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
 * One Ollama server: the ports to it. Connects when it is first used. Thread-safe. {@link #close} closes idle
 * connections, and the others when their exchange is over.
 */
public final class Ollama implements AutoCloseable {

    private static final String VERSION_PATH = "/api/version";

    private final Upstream upstream;
    private final OllamaChatModel chatModel;

    /**
     * On the event loops that all of the process share.
     *
     * @param clock in nanoseconds, as {@link System#nanoTime}
     */
    public Ollama(OllamaSettings settings, LongSupplier clock) {
        this(settings, clock, HttpResources.get());
    }

    /**
     * @param clock in nanoseconds, as {@link System#nanoTime}
     * @param loops to work on, not closed here; those of the web server, so that a response rarely changes threads
     */
    public Ollama(OllamaSettings settings, LongSupplier clock, LoopResources loops) {
        this(settings, clock, loops, clock);
    }

    /** @param circuitClock tells the circuits how long they have been open; in nanoseconds */
    Ollama(OllamaSettings settings, LongSupplier clock, LoopResources loops, LongSupplier circuitClock) {
        this.upstream =
                new Upstream("Ollama", settings.baseUrl(), VERSION_PATH, settings.limits(), loops, clock, circuitClock);
        this.chatModel = new OllamaChatModel(upstream, settings);
    }

    /** Says whether an Ollama answers at that address within the time. Never fails. */
    public static Mono<Boolean> answers(URI baseUrl, Duration timeout) {
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

    public ModelCatalog modelCatalog() {
        return new OllamaModelCatalog(upstream);
    }

    /**
     * Asks which version Ollama has.
     *
     * @return one sentence if that version is not among those that were tried; empty if it is, or if it can't be had
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
