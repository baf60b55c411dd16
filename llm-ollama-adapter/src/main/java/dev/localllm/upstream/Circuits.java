package dev.localllm.upstream;

import dev.localllm.core.catalog.ModelId;
import dev.localllm.core.failure.LlmException;
import io.github.resilience4j.circuitbreaker.CallNotPermittedException;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.time.ZoneOffset;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.LongSupplier;
import java.util.function.Supplier;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/**
 * The circuits of one model server: one per recently used model, so that a failing model does not block the others, and
 * one for the server, which opens when the server can't be reached. After the open duration, a cheap probe tests the
 * server's circuit, and the request that triggered the probe waits for its result. A model's circuit is tested by the
 * next request for that model. Thread-safe.
 */
final class Circuits {

    /**
     * Bounds the memory, as callers may name models that don't exist. At the limit the least recently used circuit is
     * dropped.
     */
    static final int MAX_MODELS = 256;

    private final Duration openDuration;
    private final Clock clock;
    private final String serverName;
    private final Mono<Boolean> probe;
    private final NetworkFaults networkFaults;
    private final LongAdder serverOpenings = new LongAdder();
    private final LongAdder modelOpenings = new LongAdder();
    private final Circuit server;
    private final Map<String, Circuit> models = new LinkedHashMap<>(16, 0.75f, true);

    /**
     * @param nanoTime as {@link System#nanoTime}
     * @param probe emits, within a time limit, whether the server can be reached; never fails
     * @param networkFaults maps network faults to failures, and judges them
     */
    Circuits(
            String serverName,
            Duration openDuration,
            LongSupplier nanoTime,
            Mono<Boolean> probe,
            NetworkFaults networkFaults) {
        this.serverName = serverName;
        this.openDuration = openDuration;
        InstantSource monotonic = () -> Instant.EPOCH.plusNanos(nanoTime.getAsLong());
        this.clock = monotonic.withZone(ZoneOffset.UTC);
        this.probe = probe;
        this.networkFaults = networkFaults;
        this.server = circuit(serverName, Blame.SERVER, serverOpenings);
    }

    /**
     * Runs the generation if both circuits permit it, else sends no request for it and fails with
     * {@link dev.localllm.core.failure.LlmFailure.UpstreamUnavailable}.
     *
     * @param answer the generation; its network faults are mapped to failures here
     */
    <T> Flux<T> guard(ModelId model, Flux<T> answer) {
        return Flux.defer(() -> {
            Circuit circuit = ofModel(model);
            return whenReachable(() -> circuit.guard(server.guard(FirstSignal.of(answer, circuit.lateFaults()))))
                    .flatMapMany(rest -> rest)
                    .onErrorMap(fault -> fault instanceof CallNotPermittedException e
                            ? (e.getCausingCircuitBreakerName().equals(serverName) ? server : circuit).refusal()
                            : networkFaults.failure(fault));
        });
    }

    /** Number of models that have a circuit now. */
    synchronized int modelCount() {
        return models.size();
    }

    Upstream.CircuitStates states() {
        return new Upstream.CircuitStates(server.isOpen(), openModels(), serverOpenings.sum(), modelOpenings.sum());
    }

    private synchronized int openModels() {
        return (int) models.values().stream().filter(Circuit::isOpen).count();
    }

    private <T> Mono<T> whenReachable(Supplier<Mono<T>> call) {
        return server.isClosed()
                ? call.get()
                : server.guard(probe).flatMap(reachable -> reachable ? call.get() : Mono.error(server.refusal()));
    }

    private synchronized Circuit ofModel(ModelId model) {
        Circuit circuit = models.computeIfAbsent(
                model.normalized(), name -> circuit("model '" + name + "'", Blame.MODEL, modelOpenings));
        if (models.size() > MAX_MODELS) {
            Iterator<Circuit> leastRecentlyUsed = models.values().iterator();
            leastRecentlyUsed.next();
            leastRecentlyUsed.remove();
        }
        return circuit;
    }

    private Circuit circuit(String name, Blame counted, LongAdder openings) {
        return new Circuit(name, counted, this::blameOf, openDuration, clock, openings::increment);
    }

    private Blame blameOf(Throwable fault) {
        return fault instanceof LlmException e ? Blame.of(e.failure()) : networkFaults.blame(fault);
    }
}
