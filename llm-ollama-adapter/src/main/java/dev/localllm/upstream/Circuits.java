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
import java.util.function.LongSupplier;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/**
 * The circuits of one server: one for each model that was asked for lately, so that a model that fails refuses no other,
 * and one for the server, in case it can't be reached. When the server's has been open long enough, a cheap request
 * decides whether it closes, and the caller who comes next waits for that; a model's next request is its own test.
 * Thread-safe.
 */
final class Circuits {

    /** Callers may ask for models that aren't there. Beyond these the one not asked for the longest is forgotten. */
    static final int MAX_MODELS = 256;

    private final Duration openDuration;
    private final Clock clock;
    private final String serverName;
    private final Mono<Boolean> probe;
    private final NetworkFaults networkFaults;
    private final Circuit server;
    private final Map<String, Circuit> models = new LinkedHashMap<>(16, 0.75f, true);

    /**
     * @param nanoTime as {@link System#nanoTime}
     * @param probe says soon whether the server can be reached
     * @param networkFaults maps and judges the network's faults
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
        this.server = circuit(serverName, Blame.SERVER);
    }

    /**
     * The answer, if the circuits let it begin; fails with {@link
     * dev.localllm.core.failure.LlmFailure.UpstreamUnavailable} and without a request for an answer otherwise.
     *
     * @param answer fails with the network's own faults, which are mapped here
     */
    <T> Flux<T> guard(ModelId model, Flux<T> answer) {
        return Flux.defer(() -> {
            Circuit circuit = ofModel(model);
            return whenReachable(circuit.guardAnswer(server.guard(FirstSignal.of(answer))))
                    .flatMapMany(rest -> rest)
                    .onErrorMap(fault -> fault instanceof CallNotPermittedException e
                            ? (e.getCausingCircuitBreakerName().equals(serverName) ? server : circuit).refusal()
                            : networkFaults.failure(fault));
        });
    }

    /** The models whose circuits are remembered. */
    synchronized int modelCount() {
        return models.size();
    }

    private <T> Mono<T> whenReachable(Mono<T> call) {
        return Mono.defer(() -> server.isClosed()
                ? call
                : server.guard(probe).flatMap(reachable -> reachable ? call : Mono.error(server.refusal())));
    }

    private synchronized Circuit ofModel(ModelId model) {
        Circuit circuit =
                models.computeIfAbsent(model.normalized(), name -> circuit("model '" + name + "'", Blame.MODEL));
        if (models.size() > MAX_MODELS) {
            Iterator<Circuit> longestUnused = models.values().iterator();
            longestUnused.next();
            longestUnused.remove();
        }
        return circuit;
    }

    private Circuit circuit(String name, Blame counted) {
        return new Circuit(name, counted, this::blameOf, openDuration, clock);
    }

    private Blame blameOf(Throwable fault) {
        return fault instanceof LlmException e ? Blame.of(e.failure()) : networkFaults.blame(fault);
    }
}
