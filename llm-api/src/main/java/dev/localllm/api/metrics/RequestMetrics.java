package dev.localllm.api.metrics;

import dev.localllm.api.request.Operation;
import dev.localllm.api.request.RequestEnd;
import dev.localllm.core.admission.Receipt;
import dev.localllm.core.chat.ChatEvent.Finished;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.DistributionSummary;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.stream.DoubleStream;
import java.util.stream.IntStream;

/**
 * Counts the requests that were to use a model, when they have ended. Names are those of OpenTelemetry's conventions for
 * generative AI, where these have one. Thread-safe.
 */
public final class RequestMetrics implements Consumer<RequestEnd> {

    private static final String NO_ERROR = "";
    private static final String TOTAL_TIMEOUT = "total_timeout";

    /** The model server is to blame: it can't be reached, fails, or is too slow; a total timeout only after the start. */
    private static final Set<String> UPSTREAM_FAILURES = Set.of(
            "upstream_unavailable",
            "upstream_failed",
            "upstream_protocol_error",
            "connect_timeout",
            "first_token_timeout",
            "idle_timeout",
            TOTAL_TIMEOUT,
            "schema_not_honoured");

    /** Other codes get a series when they occur. */
    private static final List<String> REFUSALS = List.of(
            "invalid_request",
            "model_not_found",
            "overloaded",
            "queue_timeout",
            "rate_limit_exceeded",
            "shutting_down");

    private static final List<String> ABORTS = List.of("client_gone", "client_slow");
    private static final String REQUEST = "request";
    private static final String QUEUE = "queue";
    private static final String FIRST_TOKEN = "first_token";
    private static final String GENERATION = "generation";
    private static final List<String> PHASES = List.of(REQUEST, QUEUE, FIRST_TOKEN, GENERATION);

    /** Of the conventions, which end at 82 s; a generation may take longer. */
    private static final Duration[] DURATIONS = doubling(10, 17);

    /** Of the conventions, which end at 10 s; the load of a model may take longer. */
    private static final Duration[] FIRST_TOKENS = millis(
            1, 5, 10, 20, 40, 60, 80, 100, 250, 500, 750, 1000, 2500, 5000, 7500, 10_000, 30_000, 60_000, 120_000);

    private static final Duration[] OUTPUT_TOKENS =
            millis(10, 25, 50, 75, 100, 150, 200, 300, 400, 500, 750, 1000, 2500);

    /** Powers of 4. */
    private static final double[] TOKENS =
            DoubleStream.iterate(1, tokens -> tokens * 4).limit(11).toArray();

    private static final Duration[] WAITS = millis(10, 100, 500, 1000, 2500, 5000, 10_000, 30_000, 60_000, 120_000);

    private record Series(Operation operation, String model, String error) {}

    private record Generations(Timer firstToken, Timer outputToken, DistributionSummary tokens) {}

    private record Abort(String reason, String phase) {}

    private final MeterRegistry registry;
    private final String provider;
    private final ModelLabels models;
    private final Map<Series, Timer> durations = new ConcurrentHashMap<>();
    private final Map<Series, Generations> generations = new ConcurrentHashMap<>();
    private final Map<Series, DistributionSummary> inputs = new ConcurrentHashMap<>();
    private final Map<String, Counter> gpuSeconds = new ConcurrentHashMap<>();
    private final Map<String, Counter> refusals = new ConcurrentHashMap<>();
    private final Map<String, Counter> upstreamFailures = new ConcurrentHashMap<>();
    private final Map<Abort, Counter> aborts = new ConcurrentHashMap<>();
    private final Timer generationWaits;
    private final Timer embeddingWaits;

    /** @param provider name of the model server */
    public RequestMetrics(MeterRegistry registry, String provider, ModelLabels models) {
        this.registry = registry;
        this.provider = provider;
        this.models = models;
        this.generationWaits = waits(StateMetrics.GENERATION);
        this.embeddingWaits = waits(StateMetrics.EMBEDDING);
        REFUSALS.forEach(reason -> find(refusals, reason, this::refusals));
        UPSTREAM_FAILURES.forEach(kind -> find(upstreamFailures, kind, this::upstreamFailures));
        for (String reason : ABORTS) {
            PHASES.forEach(phase -> find(aborts, new Abort(reason, phase), this::aborts));
        }
    }

    @Override
    public void accept(RequestEnd request) {
        Operation operation = request.operation();
        if (operation == null) {
            return;
        }
        if (request.model() != null && request.finished() != null) {
            models.learn(request.model());
        }
        String model = models.of(request.model());
        countEnd(request);
        find(durations, new Series(operation, model, error(request)), this::durations)
                .record(request.total());
        countCost(request, operation, model);
        countAnswer(request, operation, model);
    }

    private void countEnd(RequestEnd request) {
        switch (request.outcome()) {
            case ANSWERED -> {}
            case ABORTED ->
                find(aborts, new Abort(request.end(), phase(request)), this::aborts)
                        .increment();
            case REFUSED, FAILED -> {
                if (isUpstreamFailure(request)) {
                    find(upstreamFailures, request.end(), this::upstreamFailures)
                            .increment();
                } else if (!request.isStarted()) {
                    find(refusals, request.end(), this::refusals).increment();
                }
            }
        }
    }

    private void countCost(RequestEnd request, Operation operation, String model) {
        Receipt receipt = request.receipt();
        if (receipt == null) {
            return;
        }
        (operation == Operation.EMBEDDINGS ? embeddingWaits : generationWaits).record(receipt.queued());
        if (receipt.started()) {
            find(gpuSeconds, model, this::gpuSeconds)
                    .increment(receipt.charged().toNanos() / 1e9);
        }
    }

    private void countAnswer(RequestEnd request, Operation operation, String model) {
        Series series = new Series(operation, model, NO_ERROR);
        Finished end = request.finished();
        if (end != null) {
            find(inputs, series, this::inputs).record(end.usage().promptTokens());
        }
        if (operation == Operation.EMBEDDINGS) {
            return;
        }
        if (request.untilResolved() != null && request.untilFirstEvent() != null) {
            find(generations, series, this::generations)
                    .firstToken
                    .record(request.untilResolved().plus(request.untilFirstEvent()));
        }
        if (end != null) {
            Generations counted = find(generations, series, this::generations);
            int tokens = end.usage().completionTokens();
            counted.tokens.record(tokens);
            if (tokens > 0 && end.timings().generation().isPositive()) {
                counted.outputToken.record(end.timings().generation().dividedBy(tokens));
            }
        }
    }

    private static boolean isUpstreamFailure(RequestEnd request) {
        return UPSTREAM_FAILURES.contains(request.end())
                && (request.isStarted() || !request.end().equals(TOTAL_TIMEOUT));
    }

    private static String error(RequestEnd request) {
        return request.outcome() == RequestEnd.Outcome.ANSWERED ? NO_ERROR : request.end();
    }

    private static String phase(RequestEnd request) {
        if (request.receipt() == null) {
            return REQUEST;
        }
        if (!request.isStarted()) {
            return QUEUE;
        }
        return request.events() == 0 ? FIRST_TOKEN : GENERATION;
    }

    private static <K, M> M find(Map<K, M> meters, K key, Function<K, M> create) {
        M found = meters.get(key);
        return found == null ? meters.computeIfAbsent(key, create) : found;
    }

    private Timer durations(Series series) {
        return Timer.builder("gen_ai.server.request.duration")
                .description("Time from the arrival of a request to the end of its response")
                .tags(tags(series))
                .tag("error.type", series.error)
                .serviceLevelObjectives(DURATIONS)
                .register(registry);
    }

    private Generations generations(Series series) {
        return new Generations(
                Timer.builder("gen_ai.server.time_to_first_token")
                        .description("Time from the arrival of a request to its first token, with queue and load")
                        .tags(tags(series))
                        .serviceLevelObjectives(FIRST_TOKENS)
                        .register(registry),
                Timer.builder("gen_ai.server.time_per_output_token")
                        .description("Time per generated token, as the model server measures it")
                        .tags(tags(series))
                        .serviceLevelObjectives(OUTPUT_TOKENS)
                        .register(registry),
                tokens(series, "output"));
    }

    private DistributionSummary inputs(Series series) {
        return tokens(series, "input");
    }

    private DistributionSummary tokens(Series series, String type) {
        return DistributionSummary.builder("gen_ai.client.token.usage")
                .description("Tokens of complete answers")
                .tags(tags(series))
                .tag("gen_ai.token.type", type)
                .serviceLevelObjectives(TOKENS)
                .register(registry);
    }

    private String[] tags(Series series) {
        return new String[] {
            "gen_ai.operation.name",
            switch (series.operation) {
                case CHAT -> "chat";
                case TEXT_COMPLETION -> "text_completion";
                case EMBEDDINGS -> "embeddings";
            },
            "gen_ai.provider.name",
            provider,
            "gen_ai.request.model",
            series.model
        };
    }

    private Timer waits(String queue) {
        return Timer.builder("llm.queue.wait")
                .description("Time of requests in the queue")
                .tag("queue", queue)
                .serviceLevelObjectives(WAITS)
                .register(registry);
    }

    private Counter gpuSeconds(String model) {
        return Counter.builder("llm.gpu")
                .baseUnit("seconds")
                .description("GPU time that clients were charged until the ends of their requests")
                .tag("model", model)
                .register(registry);
    }

    private Counter refusals(String reason) {
        return Counter.builder("llm.refusals")
                .description("Requests that were refused before anything was sent to the model server")
                .tag("reason", reason)
                .register(registry);
    }

    private Counter upstreamFailures(String kind) {
        return Counter.builder("llm.upstream.failures")
                .description("Requests that failed because of the model server")
                .tag("kind", kind)
                .register(registry);
    }

    private Counter aborts(Abort abort) {
        return Counter.builder("llm.aborts")
                .description("Requests whose client left, or read nothing for too long")
                .tag("reason", abort.reason)
                .tag("phase", abort.phase)
                .register(registry);
    }

    private static Duration[] doubling(int firstMillis, int count) {
        return millis(IntStream.range(0, count).map(i -> firstMillis << i).toArray());
    }

    private static Duration[] millis(int... values) {
        return IntStream.of(values).mapToObj(Duration::ofMillis).toArray(Duration[]::new);
    }
}
