package dev.localllm.ollama;

import dev.localllm.core.catalog.ModelCatalog;
import dev.localllm.core.chat.ChatModel;
import io.netty.channel.ChannelOption;
import java.net.URI;
import java.time.Duration;
import reactor.core.publisher.Mono;
import reactor.netty.NettyPipeline;
import reactor.netty.http.client.HttpClient;
import reactor.netty.resources.ConnectionProvider;

/**
 * One Ollama server: the ports to it, over one pool of keep-alive connections. Connects when it is first used.
 * Thread-safe. {@link #close} ends the pool and every exchange with it.
 */
public final class Ollama implements AutoCloseable {

    /** Below the idle time after which NATs (Docker's among them) forget a connection. */
    private static final Duration MAX_IDLE_TIME = Duration.ofSeconds(60);

    private final ConnectionProvider pool;
    private final HttpClient client;
    private final OllamaSettings settings;

    public Ollama(OllamaSettings settings) {
        this.settings = settings;
        this.pool = ConnectionProvider.builder("ollama")
                .maxConnections(settings.maxConnections())
                .pendingAcquireTimeout(settings.connectTimeout())
                .pendingAcquireMaxCount(-1) // bounded by that time
                .maxIdleTime(MAX_IDLE_TIME)
                .evictInBackground(MAX_IDLE_TIME)
                .lifo()
                .build();
        this.client = client(HttpClient.create(pool), settings.baseUrl(), settings.connectTimeout());
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
        return new OllamaChatModel(client, settings);
    }

    public ModelCatalog modelCatalog() {
        return new OllamaModelCatalog(client);
    }

    /** Ollama's version, or an {@link dev.localllm.core.failure.LlmException} if it can't be had. */
    public Mono<String> version() {
        return OllamaJson.get(client, "/api/version", OllamaWire.Version.class).map(OllamaWire.Version::version);
    }

    @Override
    public void close() {
        pool.dispose();
    }

    private static HttpClient client(HttpClient client, URI baseUrl, Duration connectTimeout) {
        return client.baseUrl(baseUrl.toString())
                .option(ChannelOption.CONNECT_TIMEOUT_MILLIS, Math.toIntExact(connectTimeout.toMillis()))
                .doOnChannelInit((observer, channel, address) -> channel.pipeline()
                        .addBefore(NettyPipeline.ReactiveBridge, ReadCoalescer.NAME, new ReadCoalescer()));
    }
}
