package dev.localllm.api.metrics;

import dev.localllm.api.health.ServerInfo;
import dev.localllm.api.lifecycle.ModelWatch;
import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import java.util.function.IntSupplier;
import java.util.function.LongSupplier;
import java.util.function.ToDoubleFunction;

/** Registers metrics that are read at a scrape. The suppliers must be thread-safe. */
public final class StateMetrics {

    /** The queue of chats and completions. */
    public static final String GENERATION = "generation";

    public static final String EMBEDDING = "embedding";

    private final MeterRegistry registry;

    public StateMetrics(MeterRegistry registry) {
        this.registry = registry;
    }

    /**
     * One queue.
     *
     * @param queue {@link #GENERATION} or {@link #EMBEDDING}
     * @param waiting requests
     * @param busy permits that are held
     */
    public void queue(String queue, IntSupplier waiting, IntSupplier busy) {
        Gauge.builder("llm.queue.waiting", waiting::getAsInt)
                .description("Requests that wait for a permit")
                .tag("queue", queue)
                .register(registry);
        Gauge.builder("llm.permits.busy", busy::getAsInt)
                .description("Permits that are held: requests that a model works on")
                .tag("queue", queue)
                .register(registry);
    }

    /**
     * The circuits of one kind.
     *
     * @param scope {@code server} or {@code model}
     * @param source has the circuits; the caller keeps it
     * @param open circuits that refuse requests now
     * @param openings since the start
     */
    public <T> void circuits(String scope, T source, ToDoubleFunction<T> open, ToDoubleFunction<T> openings) {
        Gauge.builder("llm.circuits.open", source, open)
                .description("Circuits that refuse requests at present")
                .tag("scope", scope)
                .register(registry);
        FunctionCounter.builder("llm.circuit.openings", source, openings)
                .description("How often circuits have opened")
                .tag("scope", scope)
                .register(registry);
    }

    /**
     * One of the budgets.
     *
     * @param used at present, in bytes; may exceed the limit
     */
    public void budget(String budget, LongSupplier used, long limitBytes) {
        Gauge.builder("llm.memory.used", used::getAsLong)
                .baseUnit("bytes")
                .description("Memory that is taken from a budget")
                .tag("budget", budget)
                .register(registry);
        Gauge.builder("llm.memory.limit", () -> limitBytes)
                .baseUnit("bytes")
                .description("Limit of a budget")
                .tag("budget", budget)
                .register(registry);
    }

    /** Loads for other clients of the model server, or for embeddings. */
    public void foreignReloads(ModelWatch watch) {
        FunctionCounter.builder("llm.foreign.reloads", watch, ModelWatch::foreignReloads)
                .description("How often the model server has displaced or changed a loaded model for others")
                .register(registry);
    }

    /** What runs, as labels. */
    public void build(ServerInfo server) {
        Gauge.builder("llm.build.info", () -> 1)
                .description("What runs")
                .tag("environment", server.environment())
                .tag("version", server.version())
                .tag("revision", server.revision())
                .register(registry);
    }
}
