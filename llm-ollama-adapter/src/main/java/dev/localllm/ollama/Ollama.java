package dev.localllm.ollama;

import dev.localllm.core.catalog.ModelCatalog;
import dev.localllm.core.chat.ChatModel;
import dev.localllm.core.failure.LlmException;
import io.netty.channel.AdaptiveRecvByteBufAllocator;
import io.netty.channel.ChannelOption;
import java.net.URI;
import java.time.Duration;
import java.util.function.LongSupplier;
import reactor.core.publisher.Mono;
import reactor.netty.NettyPipeline;
import reactor.netty.http.HttpResources;
import reactor.netty.http.client.HttpClient;
import reactor.netty.resources.ConnectionProvider;
import reactor.netty.resources.LoopResources;

/**
 * One Ollama server: the ports to it, over keep-alive connections. Connects when it is first used. Thread-safe.
 * {@link #close} closes what is idle, and the rest when its exchange is over.
 */
public final class Ollama implements AutoCloseable {

    /** Below the idle time after which NATs (Docker's among them) forget a connection. */
    private static final Duration MAX_IDLE_TIME = Duration.ofSeconds(60);

    /** One that works and one that is on its way back to the pool. */
    private static final int CONNECTIONS_PER_ANSWER = 2;

    private static final int CATALOG_CONNECTIONS = 4;

    /** Bounds what is taken from the network before the reader is asked again: 16 such reads. */
    private static final int MAX_READ_BYTES = 16 << 10;

    private static final int MIN_READ_BYTES = 2 << 10;

    private final ConnectionProvider answers;
    private final ConnectionProvider catalog;
    private final HttpClient catalogClient;
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
        this.answers = pool("ollama-answers", CONNECTIONS_PER_ANSWER * settings.concurrentAnswers(), settings);
        this.catalog = pool("ollama-catalog", CATALOG_CONNECTIONS, settings);
        this.catalogClient =
                client(HttpClient.create(catalog).runOn(loops), settings.baseUrl(), settings.connectTimeout());
        this.chatModel = new OllamaChatModel(
                client(HttpClient.create(answers).runOn(loops), settings.baseUrl(), settings.connectTimeout()),
                settings,
                new Circuits(settings.openDuration(), circuitClock, responds(settings, loops)),
                clock);
    }

    /** Says whether anything at all is answered, over a connection of its own. Never fails. */
    private static Mono<Boolean> responds(OllamaSettings settings, LoopResources loops) {
        Duration timeout = settings.connectTimeout();
        return client(HttpClient.newConnection().runOn(loops), settings.baseUrl(), timeout)
                .get()
                .uri("/api/version")
                .response()
                .hasElement()
                .timeout(timeout)
                .onErrorReturn(false);
    }

    /** Says whether an Ollama answers at that address within the time. Never fails. */
    public static Mono<Boolean> answers(URI baseUrl, Duration timeout) {
        return client(HttpClient.newConnection(), baseUrl, timeout)
                .get()
                .uri("/api/version")
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
        return new OllamaModelCatalog(catalogClient);
    }

    /**
     * Asks which version Ollama has.
     *
     * @return one sentence if that version is not among those that were tried; empty if it is, or if it can't be had
     */
    public Mono<String> versionWarning() {
        return OllamaJson.get(catalogClient, "/api/version", OllamaWire.Version.class)
                .mapNotNull(answer -> OllamaVersion.warning(answer.version()))
                .onErrorComplete(LlmException.class);
    }

    @Override
    public void close() {
        answers.dispose();
        catalog.dispose();
    }

    private static ConnectionProvider pool(String name, int connections, OllamaSettings settings) {
        return ConnectionProvider.builder(name)
                .maxConnections(connections)
                .pendingAcquireTimeout(settings.connectTimeout())
                .pendingAcquireMaxCount(-1) // bounded by that time
                .maxIdleTime(MAX_IDLE_TIME)
                .evictInBackground(MAX_IDLE_TIME)
                .lifo()
                .build();
    }

    private static HttpClient client(HttpClient client, URI baseUrl, Duration connectTimeout) {
        return client.baseUrl(baseUrl.toString())
                .option(
                        ChannelOption.RECVBUF_ALLOCATOR,
                        new AdaptiveRecvByteBufAllocator(MIN_READ_BYTES, MAX_READ_BYTES, MAX_READ_BYTES))
                .option(ChannelOption.CONNECT_TIMEOUT_MILLIS, Math.toIntExact(connectTimeout.toMillis()))
                .doOnChannelInit((observer, channel, address) -> channel.pipeline()
                        .addBefore(NettyPipeline.ReactiveBridge, ReadCoalescer.NAME, new ReadCoalescer()));
    }
}
