package dev.localllm.api.config;

import dev.localllm.api.browser.BrowserOrigins;
import dev.localllm.api.browser.LoopbackHosts;
import dev.localllm.api.client.ClientHash;
import dev.localllm.api.client.ClientIdentity;
import dev.localllm.api.connection.HeaderTimeoutHandler;
import dev.localllm.api.connection.Http10Handler;
import dev.localllm.api.connection.LingeringCloseHandler;
import dev.localllm.api.connection.MalformedRequestHandler;
import dev.localllm.api.connection.SmallChunkHandler;
import dev.localllm.api.connection.WriteStallHandler;
import dev.localllm.api.failure.ErrorFormats;
import dev.localllm.api.failure.FailureHandler;
import dev.localllm.api.failure.FailureResponse;
import dev.localllm.api.health.ModelServerHealth;
import dev.localllm.api.health.ServerInfo;
import dev.localllm.api.lifecycle.Drain;
import dev.localllm.api.lifecycle.ModelWatch;
import dev.localllm.api.memory.BodyBudget;
import dev.localllm.api.memory.ByteBudget;
import dev.localllm.api.memory.MemoryBudgets;
import dev.localllm.api.metrics.MeteredLoads;
import dev.localllm.api.metrics.ModelLabels;
import dev.localllm.api.metrics.RequestMetrics;
import dev.localllm.api.metrics.StateMetrics;
import dev.localllm.api.openai.CompletionMetadataFactory;
import dev.localllm.api.openai.GenerationRoute;
import dev.localllm.api.openai.LoadOptions;
import dev.localllm.api.openai.OpenAiErrors;
import dev.localllm.api.openai.chat.ChatController;
import dev.localllm.api.openai.chat.CompletionReader;
import dev.localllm.api.openai.completion.TextCompletionReader;
import dev.localllm.api.openai.embedding.EmbeddingReader;
import dev.localllm.api.openai.response.ResponseReader;
import dev.localllm.api.request.RequestBodies;
import dev.localllm.api.request.RequestFilter;
import dev.localllm.api.request.RequestHandler;
import dev.localllm.api.request.RequestLog;
import dev.localllm.api.schema.AnswerSchemas;
import dev.localllm.api.stream.AnswerBody;
import dev.localllm.api.stream.AnswerStream;
import dev.localllm.api.stream.ReadAhead;
import dev.localllm.api.stream.Timeouts;
import dev.localllm.api.usage.UsageEndpoint;
import dev.localllm.api.usage.UsageLedger;
import dev.localllm.core.access.Charging;
import dev.localllm.core.admission.FairQueue;
import dev.localllm.core.catalog.AllowedModels;
import dev.localllm.core.catalog.ModelDirectory;
import dev.localllm.core.catalog.ModelId;
import dev.localllm.core.chat.ChatModel;
import dev.localllm.core.chat.ChatService;
import dev.localllm.core.embedding.EmbeddingService;
import dev.localllm.core.limit.RateLimit;
import dev.localllm.core.limit.RateLimiter;
import dev.localllm.core.prompt.PromptCatalog;
import dev.localllm.ollama.Ollama;
import dev.localllm.ollama.OllamaSettings;
import dev.localllm.upstream.FlushBatchHandler;
import dev.localllm.upstream.UpstreamLimits;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.binder.MeterBinder;
import io.netty.channel.AdaptiveRecvByteBufAllocator;
import io.netty.channel.ChannelOption;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.security.SecureRandom;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.concurrent.ThreadLocalRandom;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.beans.factory.annotation.Value;
import org.springframework.boot.context.event.ApplicationReadyEvent;
import org.springframework.boot.reactor.netty.NettyServerCustomizer;
import org.springframework.context.ApplicationContext;
import org.springframework.context.ApplicationListener;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.http.client.ReactorResourceFactory;
import org.springframework.http.codec.ServerCodecConfigurer;
import org.springframework.http.server.reactive.HttpHandler;
import org.springframework.web.cors.reactive.CorsWebFilter;
import org.springframework.web.reactive.DispatcherHandler;
import org.springframework.web.server.WebFilter;
import org.springframework.web.server.WebHandler;
import reactor.core.scheduler.Scheduler;
import reactor.core.scheduler.Schedulers;
import reactor.netty.NettyPipeline;
import reactor.netty.resources.LoopResources;

/** The composition root: the only class that knows the adapters and the wires. */
@Configuration(proxyBeanMethods = false)
class LlmConfiguration {

    private static final Logger log = LoggerFactory.getLogger(LlmConfiguration.class);

    /** How long an open circuit refuses requests. Not a setting, as callers get the remaining time as retry-after. */
    private static final Duration CIRCUIT_OPEN_DURATION = Duration.ofSeconds(10);

    /** Idle timeout of client connections; longer than a tunnel keeps an idle connection. */
    private static final Duration IDLE_CONNECTION = Duration.ofMinutes(3);

    /** Time for a client to finish sending the body of a refused request. */
    private static final Duration MAX_LINGERING = Duration.ofSeconds(10);

    private static final int MAX_CLIENTS = 100_000;
    private static final int MAX_CLIENTS_WITH_USAGE = 10_000;
    private static final int MAX_MODELS_WITH_METRICS = 100;
    private static final int KEY_BYTES = 32;

    /** Between two questions for the loaded models. */
    private static final Duration WATCH_INTERVAL = Duration.ofSeconds(5);

    private static final int MIN_READ_BYTES = 512;
    private static final int TYPICAL_READ_BYTES = 2 << 10;

    /**
     * Largest read from one connection before its event loop serves the next one, so that large bodies don't block
     * others.
     */
    private static final int MAX_READ_BYTES = 8 << 10;

    /** Limits the data in the socket send buffer, so that the progress of a slow client is detected soon. */
    private static final int SEND_BUFFER_BYTES = 16 << 10;

    @Bean
    OllamaLocation ollamaLocation(Settings settings) {
        return OllamaLocation.of(settings.modelServer());
    }

    /**
     * Not shared with other servers in the process, so that each can be stopped alone. One event loop per processor:
     * with more of them, most requests would take their connection to the model server from another event loop.
     */
    @Bean(destroyMethod = "dispose")
    LoopResources eventLoops() {
        return LoopResources.create("http", Runtime.getRuntime().availableProcessors(), true);
    }

    @Bean
    ReactorResourceFactory webServerResources(LoopResources eventLoops) {
        ReactorResourceFactory resources = new ReactorResourceFactory();
        resources.setUseGlobalResources(false);
        resources.setLoopResources(eventLoops);
        return resources;
    }

    @Bean
    Ollama ollama(Settings settings, OllamaLocation location, LoopResources eventLoops) {
        return new Ollama(
                new OllamaSettings(
                        location.baseUrl(),
                        settings.modelServer().contextTokens(),
                        settings.modelServer().keepAlive(),
                        new UpstreamLimits(
                                settings.deadlines().connect(),
                                settings.deadlines().firstToken(),
                                settings.deadlines().idle(),
                                settings.limits().queue().requests()
                                        + settings.limits().embeddings().requests(),
                                CIRCUIT_OPEN_DURATION)),
                System::nanoTime,
                eventLoops);
    }

    @Bean
    ModelDirectory modelDirectory(Settings settings, Ollama ollama) {
        return new ModelDirectory(
                ollama.modelCatalog(),
                settings.modelServer().allowedModels(),
                settings.modelServer().modelName());
    }

    @Bean
    FairQueue queue(Settings settings) {
        return new FairQueue(settings.limits().queue(), System::nanoTime);
    }

    @Bean
    Charging charging(Settings settings) {
        return new Charging(rateLimiter(settings.limits()));
    }

    @Bean
    ChatService chatService(
            Settings settings,
            Charging charging,
            Ollama ollama,
            ModelDirectory models,
            Supplier<PromptCatalog> prompts,
            FairQueue queue,
            MeterRegistry registry,
            ModelLabels labels) {
        ChatModel model = ollama.chatModel();
        boolean loads = !settings.modelServer().keepAlive().isZero();
        return new ChatService(
                charging,
                settings.chats().promptLimits(),
                models,
                prompts,
                settings.chats().maxOutputTokens(),
                settings.modelServer().thinking(),
                queue,
                loads ? new MeteredLoads(model, registry, labels) : model);
    }

    @Bean
    EmbeddingService embeddingService(Settings settings, Charging charging, Ollama ollama, ModelDirectory models) {
        return new EmbeddingService(
                charging,
                settings.chats().promptLimits().maxCharacters(),
                models,
                new FairQueue(settings.limits().embeddings(), System::nanoTime),
                ollama.embeddingModel());
    }

    @Bean
    EmbeddingReader embeddingReader(Settings settings) {
        return new EmbeddingReader(settings.chats().unknownFields());
    }

    @Bean
    ModelWatch modelWatch(
            Settings settings, Ollama ollama, FairQueue queue, ChatService chats, EmbeddingService embeddings) {
        Settings.ModelServer server = settings.modelServer();
        return new ModelWatch(
                "Ollama",
                ollama.loadedModels(),
                queue,
                chats,
                embeddings,
                new ModelWatch.Expected(server.allowedModels(), server.contextTokens(), warmModel(server)),
                WATCH_INTERVAL,
                InstantSource.system());
    }

    /** The model behind the default name, which may be an alias; null if it is not to be loaded before it is needed. */
    private static @Nullable ModelId warmModel(Settings.ModelServer server) {
        ModelId name = server.modelName();
        boolean loads = server.warmUp() && !server.keepAlive().isZero();
        return name == null || !loads ? null : server.allowedModels().target(name);
    }

    private static @Nullable RateLimiter rateLimiter(Settings.Limits limits) {
        RateLimit overall = limits.globalRequestsPerMinute() == 0
                ? null
                : new RateLimit(limits.globalRequestsPerMinute(), limits.globalRequestsPerMinute());
        RateLimit perClient =
                limits.requestsPerMinute() == 0 ? overall : new RateLimit(limits.requestsPerMinute(), limits.burst());
        return perClient == null ? null : new RateLimiter(perClient, overall, MAX_CLIENTS, System::nanoTime);
    }

    @Bean
    CompletionMetadataFactory completionMetadata() {
        return new CompletionMetadataFactory(InstantSource.system(), LlmConfiguration::uniqueId);
    }

    @Bean
    GenerationRoute generationRoute(ChatService chats, RequestBodies bodies, AnswerSchemas schemas) {
        return new GenerationRoute(chats, bodies, schemas);
    }

    @Bean
    LoadOptions loadOptions(Settings settings) {
        return new LoadOptions(
                settings.modelServer().contextTokens(), settings.modelServer().keepAlive());
    }

    @Bean
    CompletionReader completionReader(Settings settings, LoadOptions loadOptions) {
        return new CompletionReader(settings.chats().unknownFields(), loadOptions);
    }

    @Bean
    TextCompletionReader textCompletionReader(Settings settings, LoadOptions loadOptions) {
        return new TextCompletionReader(settings.chats().unknownFields(), loadOptions);
    }

    @Bean
    ResponseReader responseReader(Settings settings, LoadOptions loadOptions) {
        return new ResponseReader(settings.chats().unknownFields(), loadOptions);
    }

    /** A single thread, as for large bodies. */
    @Bean(destroyMethod = "dispose")
    Scheduler schemaChecks() {
        return Schedulers.newSingle("schema-checks");
    }

    @Bean
    AnswerSchemas answerSchemas(Scheduler schemaChecks) {
        return new AnswerSchemas(schemaChecks);
    }

    @Bean
    ClientHash clientHash() {
        byte[] key = new byte[KEY_BYTES];
        new SecureRandom().nextBytes(key);
        return new ClientHash(key);
    }

    @Bean
    UsageLedger usageLedger() {
        return new UsageLedger(MAX_CLIENTS_WITH_USAGE, Instant.now());
    }

    @Bean
    UsageEndpoint usageEndpoint(UsageLedger ledger, ClientHash hash) {
        return new UsageEndpoint(ledger, hash);
    }

    @Bean
    RequestFilter requestFilter(
            Settings settings,
            Drain drain,
            ErrorFormats errorFormats,
            ClientHash hash,
            UsageLedger ledger,
            MeterRegistry registry,
            ModelLabels labels) {
        return new RequestFilter(
                new ClientIdentity(
                        settings.clients().trustedProxies(), settings.clients().idHeader()),
                new FailureHandler(errorFormats),
                drain,
                List.of(new RequestLog(hash), ledger, new RequestMetrics(registry, "ollama", labels)),
                LlmConfiguration::uniqueId,
                System::nanoTime);
    }

    @Bean
    ModelLabels modelLabels(Settings settings) {
        AllowedModels allowed = settings.modelServer().allowedModels();
        return new ModelLabels(allowed.targets().values(), MAX_MODELS_WITH_METRICS);
    }

    /** What is read at a scrape. */
    @Bean
    MeterBinder stateMetrics(
            FairQueue queue,
            EmbeddingService embeddings,
            Ollama ollama,
            MemoryBudgets budgets,
            ModelWatch watch,
            ServerInfo server) {
        return registry -> {
            StateMetrics state = new StateMetrics(registry);
            state.queue(StateMetrics.GENERATION, queue::waiting, queue::running);
            state.queue(StateMetrics.EMBEDDING, embeddings::waiting, embeddings::running);
            state.circuits(
                    "server",
                    ollama,
                    o -> o.circuits().isServerOpen() ? 1 : 0,
                    o -> o.circuits().serverOpenings());
            state.circuits(
                    "model",
                    ollama,
                    o -> o.circuits().openModels(),
                    o -> o.circuits().modelOpenings());
            state.budget("bodies", budgets.bodies()::used, budgets.bodies().capacity());
            state.budget(
                    "responses", budgets.responses()::used, budgets.responses().capacity());
            state.budget(
                    "embeddings",
                    budgets.embeddings()::used,
                    budgets.embeddings().capacity());
            state.budget("streams", budgets.streams()::used, budgets.streams().capacity());
            state.foreignReloads(watch);
            state.build(server);
        };
    }

    /**
     * Replaces Spring Boot's handler: {@code server.forward-headers-strategy} and {@code spring.webflux.base-path} have
     * no effect. Spring's dispatcher knows the other routes, and what to answer where there is none.
     */
    @Bean
    HttpHandler httpHandler(
            List<WebFilter> filters,
            ChatController chats,
            DispatcherHandler dispatcher,
            ServerCodecConfigurer codecs,
            ApplicationContext context) {
        WebHandler routes = exchange ->
                chats.matches(exchange.getRequest()) ? chats.complete(exchange) : dispatcher.handle(exchange);
        return new RequestHandler(filters, routes, codecs, context);
    }

    /** OpenAI's format is also used for requests that belong to no wire. */
    @Bean
    ErrorFormats errorFormats() {
        return new ErrorFormats(List.of(new OpenAiErrors()));
    }

    @Bean
    CorsWebFilter corsFilter(Settings settings, ErrorFormats errorFormats) {
        List<String> exposed = new ArrayList<>(List.of(FailureResponse.REQUEST_ID));
        exposed.addAll(errorFormats.headerNames());
        return BrowserOrigins.filter(
                settings.clients().allowedOrigins(), exposed, settings.server().docs());
    }

    @Bean
    Drain drain(Settings settings, FairQueue queue, EmbeddingService embeddings) {
        return new Drain(settings.connections().shutdown(), () -> {
            queue.shutDown();
            embeddings.shutDown();
        });
    }

    @Bean
    Timeouts timeouts(Settings settings, Drain drain) {
        return new Timeouts(
                settings.deadlines().total(),
                settings.deadlines().nonStreaming(),
                settings.deadlines().heartbeatInterval(),
                drain::onExpired);
    }

    /** A single thread, so that decoding leaves processors to the event loops. */
    @Bean(destroyMethod = "dispose")
    Scheduler largeBodies() {
        return Schedulers.newSingle("large-bodies");
    }

    @Bean
    MemoryBudgets memoryBudgets(Settings settings) {
        MemoryLimits memory = settings.memory();
        return new MemoryBudgets(
                new BodyBudget(
                        memory.bodies().toBytes(), memory.bodiesPerClient().toBytes(), System::nanoTime),
                new ByteBudget(memory.responses().toBytes()),
                new ByteBudget(memory.responses().toBytes()),
                new ByteBudget(memory.streams().toBytes()));
    }

    @Bean
    RequestBodies requestBodies(Settings settings, MemoryBudgets budgets, Scheduler largeBodies) {
        return new RequestBodies(
                settings.memory().body().toBytes(), settings.connections().body(), budgets.bodies(), largeBodies);
    }

    @Bean
    AnswerBody answerBody(Timeouts timeouts, MemoryBudgets budgets) {
        return new AnswerBody(timeouts, budgets.responses());
    }

    @Bean
    AnswerStream answerStream(Settings settings, Timeouts timeouts, MemoryBudgets budgets) {
        return new AnswerStream(
                timeouts, new ReadAhead(settings.memory().streamBuffer().toBytes(), budgets.streams()));
    }

    /** Checks hosts only on loopback. Otherwise serves all hosts, because the server doesn't know its public names. */
    @Bean
    WebFilter loopbackHosts(Settings settings) throws UnknownHostException {
        return InetAddress.getByName(settings.server().address()).isLoopbackAddress()
                ? new LoopbackHosts(settings.server().allowedHosts())
                : (exchange, chain) -> chain.filter(exchange);
    }

    @Bean
    NettyServerCustomizer connections(Settings settings, ErrorFormats errorFormats) {
        return server -> server.idleTimeout(IDLE_CONNECTION)
                .childOption(ChannelOption.SO_SNDBUF, SEND_BUFFER_BYTES)
                .childOption(
                        ChannelOption.RECVBUF_ALLOCATOR,
                        new AdaptiveRecvByteBufAllocator(MIN_READ_BYTES, TYPICAL_READ_BYTES, MAX_READ_BYTES)
                                .maxMessagesPerRead(1))
                .doOnChannelInit((observer, channel, address) -> channel.pipeline()
                        .addFirst(new WriteStallHandler(settings.connections().writeStall()), new FlushBatchHandler())
                        .addBefore(NettyPipeline.HttpTrafficHandler, null, new SmallChunkHandler())
                        .addBefore(NettyPipeline.HttpTrafficHandler, null, new LingeringCloseHandler(MAX_LINGERING))
                        .addBefore(NettyPipeline.HttpTrafficHandler, null, new Http10Handler())
                        .addBefore(
                                NettyPipeline.HttpTrafficHandler,
                                null,
                                new HeaderTimeoutHandler(settings.connections().header()))
                        .addBefore(
                                NettyPipeline.HttpTrafficHandler,
                                null,
                                new MalformedRequestHandler(errorFormats, LlmConfiguration::uniqueId)));
    }

    /** Keep this name: Actuator shows it, and the readiness group in application.yaml refers to it. */
    @Bean
    ModelServerHealth ollamaHealthIndicator(ModelDirectory models, Ollama ollama, ModelWatch watch, Settings settings) {
        return new ModelServerHealth(
                "Ollama",
                model -> "ollama pull " + model,
                models,
                ollama.versionWarning(),
                watch::warnings,
                settings.modelServer().modelName());
    }

    @Bean
    ServerInfo serverInfo(Settings settings, @Value("${app.version}") String version) {
        return new ServerInfo(
                settings.server().environment().toString(),
                version,
                settings.server().revision());
    }

    @Bean
    ApplicationListener<ApplicationReadyEvent> startReport(
            Settings settings,
            ServerInfo server,
            OllamaLocation location,
            Supplier<PromptCatalog> prompts,
            Ollama ollama) {
        return event -> {
            String port = event.getApplicationContext().getEnvironment().getProperty("local.server.port");
            log.info(
                    "local-llm-server {} ({}) listens on {} port {} by {}",
                    server.version(),
                    server.environment(),
                    settings.server().address(),
                    port,
                    LoopResources.hasNativeSupport() ? "native transport" : "NIO");
            log.info("Memory limits: {}", settings.memory());
            log.info(
                    "Prompts: {} in {}",
                    prompts.get().prompts().size(),
                    settings.chats().prompts().path().toAbsolutePath());
            if (location.simulator() == null) {
                log.info("{}", location.description());
            } else {
                log.warn("{}", location.description());
            }
            ollama.versionWarning().subscribe(warning -> log.warn("{}", warning));
        };
    }

    /** Ids only need to differ; they can be predicted. Secure randomness would take a lock. */
    private static String uniqueId() {
        ThreadLocalRandom random = ThreadLocalRandom.current();
        HexFormat hex = HexFormat.of();
        return hex.toHexDigits(random.nextLong()) + hex.toHexDigits(random.nextLong());
    }
}
