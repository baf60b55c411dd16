package dev.localllm.upstream;

import dev.localllm.core.catalog.ModelId;
import dev.localllm.core.chat.ChatEvent;
import dev.localllm.core.chat.Generation;
import dev.localllm.core.failure.LlmException;
import dev.localllm.core.failure.LlmFailure.UpstreamProtocol;
import io.netty.channel.AdaptiveRecvByteBufAllocator;
import io.netty.channel.ChannelOption;
import io.netty.channel.EventLoop;
import java.io.ByteArrayOutputStream;
import java.net.URI;
import java.time.Duration;
import java.util.List;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.LongSupplier;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.netty.ByteBufFlux;
import reactor.netty.NettyPipeline;
import reactor.netty.http.client.HttpClient;
import reactor.netty.resources.ConnectionProvider;
import reactor.netty.resources.LoopResources;

/**
 * One model server that streams over HTTP: keep-alive connections to it, and the guards of each generation, which are
 * its deadlines, its circuits, and the end of its exchange. Connects when it is first used. Thread-safe. {@link #close}
 * closes what is idle, and the rest when its exchange is over.
 */
public final class Upstream implements AutoCloseable {

    /** Below the idle time after which NATs (Docker's among them) forget a connection. */
    private static final Duration MAX_IDLE_TIME = Duration.ofSeconds(60);

    /** One that works and one that is on its way back to the pool. */
    private static final int CONNECTIONS_PER_GENERATION = 2;

    private static final int SHORT_REQUEST_CONNECTIONS = 4;

    /** Bounds what is taken from the network before the reader is asked again: 16 such reads. */
    private static final int MAX_READ_BYTES = 16 << 10;

    private static final int MIN_READ_BYTES = 2 << 10;
    private static final int MAX_BODY_BYTES = 8 << 20;

    private final String name;
    private final UpstreamLimits limits;
    private final LoopResources loops;
    private final LongSupplier clock;
    private final NetworkFaults networkFaults;
    private final ConnectionProvider generations;
    private final ConnectionProvider shortRequests;
    private final HttpClient generationClient;
    private final HttpClient shortRequestClient;
    private final Circuits circuits;

    /**
     * @param name as messages call the server
     * @param baseUrl http or https, without path
     * @param probePath of a GET that costs the server nothing; any response shows that the server can be reached
     * @param loops to work on, not closed here; those of the web server, so that a response rarely changes threads
     * @param clock of the deadlines, in nanoseconds, as {@link System#nanoTime}
     * @param circuitClock tells the circuits how long they have been open; in nanoseconds
     */
    public Upstream(
            String name,
            URI baseUrl,
            String probePath,
            UpstreamLimits limits,
            LoopResources loops,
            LongSupplier clock,
            LongSupplier circuitClock) {
        this.name = name;
        this.limits = limits;
        this.loops = loops;
        this.clock = clock;
        this.networkFaults = new NetworkFaults(name);
        this.generations = pool("generations", CONNECTIONS_PER_GENERATION * limits.concurrentGenerations());
        this.shortRequests = pool("short-requests", SHORT_REQUEST_CONNECTIONS);
        this.generationClient = client(HttpClient.create(generations), baseUrl, loops);
        this.shortRequestClient = client(HttpClient.create(shortRequests), baseUrl, loops);
        Mono<Boolean> probe = reaches(client(HttpClient.newConnection(), baseUrl, loops), probePath);
        this.circuits = new Circuits(name, limits.openDuration(), circuitClock, probe, networkFaults);
    }

    /** One request for a generation, in the server's own protocol. */
    @FunctionalInterface
    public interface Call {

        /**
         * Sends the request and decodes the response.
         *
         * @param client to send that one request by
         * @param onEvents to be called with every list of events just before it is emitted
         * @return events as {@link dev.localllm.core.chat.ChatModel#open} promises them, but for the network's faults,
         *     with which it fails as they are
         */
        Flux<List<ChatEvent>> exchange(HttpClient client, Consumer<List<ChatEvent>> onEvents);
    }

    /** Opens one generation, as {@link dev.localllm.core.chat.ChatModel#open} promises it. */
    public Generation open(ModelId model, Call call) {
        Exchange exchange = new Exchange();
        return new Generation(exchange.guard(circuits.guard(model, answer(call, exchange))), exchange.closed());
    }

    /** Fails with the network's own faults; the circuits judge by them. */
    private Flux<List<ChatEvent>> answer(Call call, Exchange exchange) {
        return Flux.defer(() -> {
            GenerationDeadline deadline = new GenerationDeadline(name, limits, clock, eventLoop());
            HttpClient client = generationClient.doOnRequest((request, connection) -> exchange.connected(connection));
            return call.exchange(client, deadline::onEvents)
                    .doOnRequest(deadline::onRequest)
                    .takeUntilOther(deadline.expired())
                    .concatWith(deadline.failure())
                    .onErrorResume(fault -> {
                        if (deadline.isFinished()) {
                            return Mono.empty(); // what breaks after the end breaks nothing
                        }
                        exchange.abort();
                        return Mono.error(fault);
                    })
                    .doOnComplete(() -> {
                        if (deadline.isExceeded()) {
                            exchange.abort();
                        } else {
                            exchange.complete();
                        }
                    });
        });
    }

    /** The current thread's, if that is an event loop. */
    private EventLoop eventLoop() {
        return loops.onClient(LoopResources.DEFAULT_NATIVE).next();
    }

    /**
     * Asks something that is answered soon, over connections that generations don't use.
     *
     * @param request sends it by the given client
     * @return fails with an {@link LlmException} where the network fails
     */
    public <T> Mono<T> ask(Function<HttpClient, Mono<T>> request) {
        return request.apply(shortRequestClient).onErrorMap(networkFaults::failure);
    }

    /** All of a response's body, which may be empty; fails when it is larger than a model server has reason to send. */
    public Mono<byte[]> body(ByteBufFlux content) {
        return content.<ByteArrayOutputStream>collect(ByteArrayOutputStream::new, (bytes, buffer) -> {
                    if (bytes.size() + buffer.readableBytes() > MAX_BODY_BYTES) {
                        throw new LlmException(
                                new UpstreamProtocol(name + "'s answer is larger than " + MAX_BODY_BYTES + " bytes."));
                    }
                    byte[] chunk = new byte[buffer.readableBytes()];
                    buffer.readBytes(chunk);
                    bytes.writeBytes(chunk);
                })
                .map(ByteArrayOutputStream::toByteArray);
    }

    @Override
    public void close() {
        generations.dispose();
        shortRequests.dispose();
    }

    /** Says whether anything at all is answered, over a connection of its own. Never fails. */
    private Mono<Boolean> reaches(HttpClient client, String path) {
        return client.get()
                .uri(path)
                .response()
                .hasElement()
                .timeout(limits.connectTimeout())
                .onErrorReturn(false);
    }

    private ConnectionProvider pool(String purpose, int connections) {
        return ConnectionProvider.builder(name + "-" + purpose)
                .maxConnections(connections)
                .pendingAcquireTimeout(limits.connectTimeout())
                .pendingAcquireMaxCount(-1) // bounded by that time
                .maxIdleTime(MAX_IDLE_TIME)
                .evictInBackground(MAX_IDLE_TIME)
                .lifo()
                .build();
    }

    private HttpClient client(HttpClient client, URI baseUrl, LoopResources loops) {
        return client.runOn(loops)
                .baseUrl(baseUrl.toString())
                .option(
                        ChannelOption.RECVBUF_ALLOCATOR,
                        new AdaptiveRecvByteBufAllocator(MIN_READ_BYTES, MAX_READ_BYTES, MAX_READ_BYTES))
                .option(
                        ChannelOption.CONNECT_TIMEOUT_MILLIS,
                        Math.toIntExact(limits.connectTimeout().toMillis()))
                .doOnChannelInit((observer, channel, address) -> channel.pipeline()
                        .addBefore(NettyPipeline.ReactiveBridge, ReadCoalescer.NAME, new ReadCoalescer()));
    }
}
