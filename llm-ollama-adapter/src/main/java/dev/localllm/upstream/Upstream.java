package dev.localllm.upstream;

import dev.localllm.core.catalog.ModelId;
import dev.localllm.core.chat.ChatEvent;
import dev.localllm.core.chat.Generation;
import dev.localllm.core.failure.LlmException;
import dev.localllm.core.failure.LlmFailure.UpstreamProtocol;
import io.netty.channel.AdaptiveRecvByteBufAllocator;
import io.netty.channel.ChannelOption;
import io.netty.channel.EventLoop;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaderValues;
import java.io.ByteArrayOutputStream;
import java.net.URI;
import java.time.Duration;
import java.util.List;
import java.util.function.BiFunction;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.LongSupplier;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.netty.ByteBufFlux;
import reactor.netty.Connection;
import reactor.netty.NettyPipeline;
import reactor.netty.http.client.HttpClient;
import reactor.netty.http.client.HttpClient.RequestSender;
import reactor.netty.resources.ConnectionProvider;
import reactor.netty.resources.LoopResources;

/**
 * The HTTP client of one model server: keep-alive connections, and for each generation its deadlines, circuits and
 * exchange. Connects on first use. Thread-safe. {@link #close} closes idle connections at once, and the
 * others when their exchange is over.
 */
public final class Upstream implements AutoCloseable {

    /** Shorter than the time after which a NAT, such as Docker's, drops an idle connection. */
    private static final Duration MAX_IDLE_TIME = Duration.ofSeconds(60);

    /** One in use, and one that is being returned to the pool. */
    private static final int CONNECTIONS_PER_GENERATION = 2;

    private static final int SHORT_REQUEST_CONNECTIONS = 4;

    /** Largest read. Netty does up to 16 reads before it checks for demand again. */
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
    private final URI baseUrl;
    private final HttpClient generationClient;
    private final HttpClient shortRequestClient;
    private final Circuits circuits;

    /**
     * @param name the server's name in messages
     * @param baseUrl http or https, without path
     * @param probePath path of a cheap GET; any response shows that the server can be reached
     * @param loops event loops, not closed here; share the web server's, so that a response rarely changes threads
     * @param clock of the deadlines, in nanoseconds, as {@link System#nanoTime}
     * @param circuitClock clock of the circuits' open duration, in nanoseconds
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
        this.baseUrl = baseUrl;
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
         * @param onConnected to be called with the connection, before the request is sent on it; again if the HTTP
         *     client retries on another connection
         * @param onEvents to be called with each list of events, just before the list is emitted, and with an empty
         *     list if the response makes progress without an event
         * @return events as {@link dev.localllm.core.chat.ChatModel#open} specifies, but network faults are not mapped
         *     to failures
         */
        Flux<List<ChatEvent>> exchange(Consumer<Connection> onConnected, Consumer<List<ChatEvent>> onEvents);
    }

    /**
     * The circuits, in numbers.
     *
     * @param isServerOpen true while the server's circuit refuses requests
     * @param openModels number of models whose circuit refuses requests now
     * @param serverOpenings how often the server's circuit has opened
     * @param modelOpenings how often circuits of models have opened
     */
    public record CircuitStates(boolean isServerOpen, int openModels, long serverOpenings, long modelOpenings) {}

    /** Prepares the request that {@link Call}s send to the path: POST with a JSON body. Prepare it once: it is costly. */
    public RequestSender post(String path) {
        return generationClient
                .headers(headers -> headers.set(HttpHeaderNames.CONTENT_TYPE, HttpHeaderValues.APPLICATION_JSON))
                .post()
                .uri(baseUrl.resolve(path));
    }

    /** Opens one generation, as {@link dev.localllm.core.chat.ChatModel#open} specifies. */
    public Generation open(ModelId model, Call call) {
        Exchange exchange = new Exchange();
        return new Generation(exchange.guard(circuits.guard(model, answer(call, exchange))), exchange.closed());
    }

    /**
     * Opens one exchange whose response is one value, with the first-token timeout for all of it.
     *
     * @param call sends the request and emits the value; gets what is to be called with the connection, as in
     *     {@link Call#exchange}
     * @param result of the value, which takes one subscriber and whose cancel aborts the exchange, and of {@code closed},
     *     as {@link Generation} specifies it
     */
    public <T, R> R open(
            ModelId model, Function<Consumer<Connection>, Flux<T>> call, BiFunction<Mono<T>, Mono<Void>, R> result) {
        Exchange exchange = new Exchange();
        Flux<T> answer = TimedAnswer.of(call.apply(exchange::connected), deadline(), exchange);
        Mono<T> value = exchange.guard(circuits.guard(model, answer)).singleOrEmpty();
        return result.apply(value, exchange.closed());
    }

    /** Network faults are not mapped to failures yet: the circuits judge them first. */
    private Flux<List<ChatEvent>> answer(Call call, Exchange exchange) {
        GenerationDeadline deadline = deadline();
        return TimedAnswer.of(call.exchange(exchange::connected, deadline::onEvents), deadline, exchange);
    }

    private GenerationDeadline deadline() {
        return new GenerationDeadline(name, limits, clock, eventLoop());
    }

    /** The current thread's event loop, or any event loop if it has none. */
    private EventLoop eventLoop() {
        return loops.onClient(LoopResources.DEFAULT_NATIVE).next();
    }

    /**
     * Sends a short request, over connections that generations don't use.
     *
     * @param request sends the request with the given client
     * @return fails with an {@link LlmException} on a network fault
     */
    public <T> Mono<T> ask(Function<HttpClient, Mono<T>> request) {
        return request.apply(shortRequestClient).onErrorMap(networkFaults::failure);
    }

    /**
     * Collects the body of a response, possibly empty. Fails with {@link UpstreamProtocol} if it is larger than 8 MB.
     */
    public Mono<byte[]> body(ByteBufFlux content) {
        return content.<ByteArrayOutputStream>collect(ByteArrayOutputStream::new, (bytes, buffer) -> {
                    if (bytes.size() + buffer.readableBytes() > MAX_BODY_BYTES) {
                        throw new LlmException(new UpstreamProtocol(
                                name + "'s response is larger than " + MAX_BODY_BYTES + " bytes."));
                    }
                    byte[] chunk = new byte[buffer.readableBytes()];
                    buffer.readBytes(chunk);
                    bytes.writeBytes(chunk);
                })
                .map(ByteArrayOutputStream::toByteArray);
    }

    /** What the circuits do now, and have done since the start. */
    public CircuitStates circuits() {
        return circuits.states();
    }

    @Override
    public void close() {
        generations.dispose();
        shortRequests.dispose();
    }

    /** Emits true if the server sends any response, over a new connection. Never fails. */
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
                .pendingAcquireMaxCount(-1) // bounded by the timeout above
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
                        .addFirst(new FlushBatchHandler())
                        .addBefore(NettyPipeline.ReactiveBridge, ReadCoalescer.NAME, new ReadCoalescer()));
    }
}
