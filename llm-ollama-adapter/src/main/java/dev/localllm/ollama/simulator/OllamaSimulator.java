package dev.localllm.ollama.simulator;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.group.ChannelGroup;
import io.netty.channel.group.DefaultChannelGroup;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.util.concurrent.GlobalEventExecutor;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BiFunction;
import java.util.function.Function;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.reactivestreams.Publisher;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.netty.DisposableServer;
import reactor.netty.http.server.HttpServer;
import reactor.netty.http.server.HttpServerRequest;
import reactor.netty.http.server.HttpServerResponse;
import reactor.netty.http.server.HttpServerRoutes;
import reactor.netty.resources.LoopResources;
import tools.jackson.databind.JsonNode;

/**
 * A server on loopback with Ollama's native API and generated answers. Has its own daemon threads; {@link #close} ends
 * them and all exchanges. Thread-safe.
 */
public final class OllamaSimulator implements AutoCloseable {

    /** The first model of the list: with tools and vision; fills gaps. */
    public static final String CHAT_MODEL = "simulator:latest";

    /** Has neither tools, nor vision, nor thinking; fills no gaps. */
    public static final String SECOND_CHAT_MODEL = "simulator-2:latest";

    /** Has tools and thinking. */
    public static final String THINKING_MODEL = "simulator-thinking:latest";

    public static final String EMBED_MODEL = "simulator-embed:latest";

    private static final String VERSION = "0.33.0-simulator";
    private static final String JSON = "application/json; charset=utf-8";
    private static final Duration CLOSE_TIMEOUT = Duration.ofSeconds(5);

    private final InstantSource clock = InstantSource.system();
    private final int tokensPerSecond;
    private final LoopResources loops;
    private final DisposableServer server;
    private final ChannelGroup connections = new DefaultChannelGroup(GlobalEventExecutor.INSTANCE);
    private final OpenExchanges open = new OpenExchanges();
    private final AtomicInteger chats = new AtomicInteger();
    private final AtomicInteger embeds = new AtomicInteger();
    private final Queue<Fault> faults = new ConcurrentLinkedQueue<>();
    private final Map<String, Fault> modelFaults = new ConcurrentHashMap<>();
    private final Runners runners;
    private volatile @Nullable Steps steps;

    private OllamaSimulator(SimulatorSettings settings) {
        this.tokensPerSecond = settings.tokensPerSecond();
        this.runners = new Runners(settings, clock);
        this.loops = LoopResources.create("ollama-simulator", 1, true);
        this.server = HttpServer.create()
                .host("127.0.0.1")
                .port(settings.port())
                .runOn(loops)
                .doOnConnection(connection -> connections.add(connection.channel()))
                .route(this::routes)
                .bindNow();
    }

    /** Starts a simulator. It accepts connections when this method returns. */
    public static OllamaSimulator start(SimulatorSettings settings) {
        return new OllamaSimulator(settings);
    }

    public URI baseUrl() {
        return URI.create("http://127.0.0.1:" + server.port());
    }

    /** Gives the next answers these faults, in order, one each; later answers and loads have none. */
    public void script(Fault... next) {
        faults.addAll(List.of(next));
    }

    /**
     * Gives this fault to every response for the model, unless the response has a scripted fault. The model need not
     * exist.
     */
    public void breakModel(String model, Fault fault) {
        modelFaults.put(model, fault);
    }

    /** Removes all faults that are scripted or set for a model, and a hold that no response has reached. */
    public void clearFaults() {
        faults.clear();
        modelFaults.clear();
        steps = null;
    }

    /** Holds the tokens of the next response until they are released. One response at a time can be held. */
    public Steps hold() {
        Steps held = new Steps();
        steps = held;
        return held;
    }

    /** Number of received requests whose response is neither complete nor cancelled by the client. */
    public int openExchanges() {
        return open.count();
    }

    /** Emits {@link #openExchanges} now and on each change. Never completes. */
    public Flux<Integer> openExchangesOverTime() {
        return open.overTime();
    }

    /** Number of chat and generate requests so far, including refused ones, without loads. */
    public int chats() {
        return chats.get();
    }

    /** Number of requests for embeddings so far, including refused ones. */
    public int embeds() {
        return embeds.get();
    }

    /** Number of loads of models that have begun so far, including aborted ones. */
    public int loads() {
        return runners.loads();
    }

    @Override
    public void close() {
        server.disposeNow(CLOSE_TIMEOUT);
        connections.close().awaitUninterruptibly(CLOSE_TIMEOUT.toMillis());
        loops.disposeLater(Duration.ZERO, CLOSE_TIMEOUT).subscribe();
    }

    private void routes(HttpServerRoutes routes) {
        routes.get("/", (request, response) -> text(response, 200, "Ollama is running"))
                .head("/", (request, response) -> text(response, 200, "Ollama is running"))
                .get("/api/version", (request, response) -> json(response, new SimulatorWire.Version(VERSION)))
                .head("/api/version", (request, response) -> json(response, new SimulatorWire.Version(VERSION)))
                .get("/api/tags", (request, response) -> json(response, tags()))
                .head("/api/tags", (request, response) -> json(response, tags()))
                .get("/api/ps", (request, response) -> json(response, new SimulatorWire.RunningModels(runners.list())))
                .post("/api/show", counted(this::show))
                .post("/api/embed", counted(this::embed))
                .post("/api/chat", counted((body, response) -> answer(body, true, response)))
                .post("/api/generate", counted((body, response) -> answer(body, false, response)))
                .route(request -> true, OllamaSimulator::unknownRoute);
    }

    private interface Handler {
        Publisher<Void> handle(byte[] body, HttpServerResponse response);
    }

    private BiFunction<HttpServerRequest, HttpServerResponse, Publisher<Void>> counted(Handler handler) {
        return (request, response) -> open.count(
                response,
                request.receive()
                        .aggregate()
                        .asByteArray()
                        .defaultIfEmpty(new byte[0])
                        .flatMap(body -> Mono.from(handler.handle(body, response)))
                        .onErrorResume(Refusal.class, refusal -> Mono.from(refused(response, refusal))));
    }

    private Publisher<Void> show(byte[] body, HttpServerResponse response) {
        JsonNode request = GoJson.read(body, "api.ShowRequest");
        String name = request.path("model").asString(request.path("name").asString(""));
        if (name.isEmpty()) {
            throw new Refusal(400, "model is required");
        }
        SimulatedModel model = SimulatedModel.named(name);
        if (model == null) {
            throw new Refusal(404, "model '" + (name.indexOf(':') < 0 ? name + ":latest" : name) + "' not found");
        }
        return json(response, model.show());
    }

    private Publisher<Void> embed(byte[] body, HttpServerResponse response) {
        JsonNode request = GoJson.read(body, "api.EmbedRequest");
        embeds.incrementAndGet();
        return faulty(request, faults.poll(), fault -> embed(request, fault, response));
    }

    private Publisher<Void> embed(JsonNode request, @Nullable Fault fault, HttpServerResponse response) {
        Embedder embedder = Embedder.parse(request);
        return Mono.usingWhen(
                runners.acquire(
                        embedder.model(), embedder.contextTokens(), Prompt.keepAlive(request.path("keep_alive"))),
                work -> Mono.from(send(SimulatorWire.json(embedder.answer()), fault, response)),
                work -> Mono.fromRunnable(work::release));
    }

    /** A response without lines: a fault takes it for one line. */
    private static Publisher<Void> send(byte[] body, @Nullable Fault fault, HttpServerResponse response) {
        return fault == null
                ? full(response, JSON, body)
                : response.header(HttpHeaderNames.CONTENT_TYPE, JSON)
                        .send(
                                FaultyLines.of(Flux.just(body), fault, response).map(OllamaSimulator::buffer),
                                line -> true);
    }

    private Publisher<Void> answer(byte[] body, boolean chat, HttpServerResponse response) {
        JsonNode request = GoJson.read(body, chat ? "api.ChatRequest" : "api.GenerateRequest");
        boolean generates = isGeneration(request, chat);
        if (generates) {
            chats.incrementAndGet();
        }
        Fault scripted = generates ? faults.poll() : null;
        return faulty(request, scripted, fault -> answer(request, chat, fault, response));
    }

    /** @param answer gets the fault that happens during the response; null for none */
    private Publisher<Void> faulty(
            JsonNode request, @Nullable Fault scripted, Function<@Nullable Fault, Publisher<Void>> answer) {
        Fault fault = scripted == null ? modelFaults.get(request.path("model").asString("")) : scripted;
        return switch (fault) {
            case Fault.NeverAnswers f -> Mono.never();
            case Fault.SlowHeaders f -> Mono.delay(f.delay()).then(Mono.defer(() -> Mono.from(answer.apply(null))));
            case Fault.Refuses f -> throw new Refusal(f.status(), f.error());
            case null, default -> answer.apply(fault);
        };
    }

    /** Other requests load or unload a model. */
    private static boolean isGeneration(JsonNode request, boolean chat) {
        JsonNode prompt = request.path(chat ? "messages" : "prompt");
        return prompt.isArray() ? !prompt.isEmpty() : !prompt.asString("").isEmpty();
    }

    private Publisher<Void> answer(JsonNode request, boolean chat, @Nullable Fault fault, HttpServerResponse response) {
        Prompt prompt = Prompt.parse(request, chat);
        if (Answer.isUnload(prompt)) {
            runners.unload(prompt.model());
            return json(response, new Answer(prompt, Duration.ZERO, Duration.ZERO, clock).complete());
        }
        return Mono.usingWhen(
                runners.acquire(prompt.model(), prompt.contextTokens(), prompt.keepAlive()),
                work -> Mono.from(
                        send(new Answer(prompt, work.loadTime(), work.waitTime(), clock), prompt, fault, response)),
                work -> Mono.fromRunnable(work::release));
    }

    private Publisher<Void> send(Answer answer, Prompt prompt, @Nullable Fault fault, HttpServerResponse response) {
        if (!prompt.stream() || !answer.generates()) {
            return json(response, answer.complete());
        }
        Flux<byte[]> lines = paced(answer);
        return response.header(HttpHeaderNames.CONTENT_TYPE, "application/x-ndjson")
                .send(FaultyLines.of(lines, fault, response).map(OllamaSimulator::buffer), line -> true);
    }

    private static ByteBuf buffer(byte[] bytes) {
        return Unpooled.wrappedBuffer(bytes);
    }

    private Flux<byte[]> paced(Answer answer) {
        Flux<byte[]> lines = Flux.fromIterable(answer.pieces())
                .map(piece -> SimulatorWire.line(answer.line(piece)))
                .concatWith(Mono.fromSupplier(() -> SimulatorWire.line(answer.last())));
        Steps held = steps;
        if (held != null) {
            steps = null;
            return held.hold(lines);
        }
        return tokensPerSecond == 0 ? lines : lines.delayElements(Duration.ofNanos(1_000_000_000L / tokensPerSecond));
    }

    private static SimulatorWire.Tags tags() {
        return new SimulatorWire.Tags(
                Stream.of(SimulatedModel.values()).map(SimulatedModel::tag).toList());
    }

    private static Publisher<Void> unknownRoute(HttpServerRequest request, HttpServerResponse response) {
        boolean known = List.of(
                        "/api/chat", "/api/generate", "/api/embed", "/api/show", "/api/tags", "/api/ps", "/api/version")
                .contains(request.fullPath());
        return known ? text(response, 405, "405 method not allowed") : text(response, 404, "404 page not found");
    }

    private static Publisher<Void> refused(HttpServerResponse response, Refusal refusal) {
        return full(response.status(refusal.status()), JSON, refusal.body());
    }

    private static Publisher<Void> json(HttpServerResponse response, Object value) {
        return full(response, JSON, SimulatorWire.json(value));
    }

    private static Publisher<Void> text(HttpServerResponse response, int status, String text) {
        return full(response.status(status), "text/plain; charset=utf-8", text.getBytes(StandardCharsets.UTF_8));
    }

    private static Publisher<Void> full(HttpServerResponse response, String contentType, byte[] body) {
        return response.header(HttpHeaderNames.CONTENT_TYPE, contentType)
                .header(HttpHeaderNames.CONTENT_LENGTH, Integer.toString(body.length))
                .send(Mono.fromSupplier(() -> buffer(body)))
                .then();
    }
}
