package dev.localllm.api.lifecycle;

import dev.localllm.core.admission.FairQueue;
import dev.localllm.core.catalog.AllowedModels;
import dev.localllm.core.catalog.LoadedModel;
import dev.localllm.core.catalog.LoadedModels;
import dev.localllm.core.catalog.ModelId;
import dev.localllm.core.chat.ChatService;
import dev.localllm.core.embedding.EmbeddingService;
import dev.localllm.core.failure.LlmException;
import dev.localllm.core.failure.LlmFailure.UpstreamUnavailable;
import dev.localllm.core.limit.ClientId;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.atomic.LongAdder;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.context.SmartLifecycle;
import reactor.core.Disposable;
import reactor.core.Disposables;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/**
 * Asks the model server every few seconds what it has loaded: tells the queues, warns if another client of the model
 * server has changed it, and loads the default model after a start, of this server or of the model server.
 */
public final class ModelWatch implements SmartLifecycle {

    private static final Logger log = LoggerFactory.getLogger(ModelWatch.class);
    private static final int MAX_DOUBLINGS = 6;
    private static final ClientId WARM_UP = new ClientId("warm-up");

    /**
     * What is expected to be loaded.
     *
     * @param allowed the models that callers may use: only these are watched
     * @param contextTokens of every request
     * @param warm loaded before it is needed; null for none
     */
    public record Expected(
            AllowedModels allowed,
            int contextTokens,
            @Nullable ModelId warm) {}

    private final String server;
    private final LoadedModels models;
    private final FairQueue queue;
    private final ChatService chats;
    private final EmbeddingService embeddings;
    private final Expected expected;
    private final Duration interval;
    private final InstantSource clock;
    private Disposable polls = Disposables.disposed();
    private volatile Disposable load = Disposables.disposed();

    /** At the last poll, by normalized names. */
    private Map<String, LoadedModel> last = Map.of();

    /** Contexts of models that worked for this server at a poll, by normalized names. */
    private final Map<String, Integer> ownContexts = new HashMap<>();

    /** The default model is to be loaded. */
    private boolean cold = true;

    /** The model server may have been restarted. It has, if nothing is loaded at two polls. */
    private boolean restarting;

    private int emptyPolls;
    private int failedLoads;
    private int pollsUntilLoad;
    private boolean reachable = true;
    private @Nullable Displacement displacement;
    private volatile List<String> warnings = List.of();
    private final LongAdder foreignReloads = new LongAdder();
    private volatile boolean started;

    /**
     * A model was unloaded for others.
     *
     * @param model its normalized name
     * @param others normalized names
     */
    private record Displacement(String model, Set<String> others, String warning) {

        boolean isOver(Set<String> now) {
            return now.contains(model) || Collections.disjoint(now, others);
        }
    }

    /** @param server the model server's name in messages */
    public ModelWatch(
            String server,
            LoadedModels models,
            FairQueue queue,
            ChatService chats,
            EmbeddingService embeddings,
            Expected expected,
            Duration interval,
            InstantSource clock) {
        this.server = server;
        this.models = models;
        this.queue = queue;
        this.chats = chats;
        this.embeddings = embeddings;
        this.expected = expected;
        this.interval = interval;
        this.clock = clock;
    }

    /** One sentence for each way in which the loaded models differ from this server's settings. */
    public List<String> warnings() {
        return warnings;
    }

    /** How often the model server has displaced or changed a watched model for others, as far as polls have seen it. */
    public long foreignReloads() {
        return foreignReloads.sum();
    }

    @Override
    public void start() {
        started = true;
        polls = Flux.interval(Duration.ZERO, interval)
                .onBackpressureDrop()
                .concatMap(tick -> poll(), 1)
                .subscribe();
    }

    @Override
    public void stop() {
        started = false;
        polls.dispose();
        load.dispose();
    }

    @Override
    public boolean isRunning() {
        return started;
    }

    Mono<Void> poll() {
        return models.list()
                .delayUntil(this::learnEmbedders)
                .doOnNext(this::onList)
                .onErrorResume(LlmException.class, e -> Mono.fromRunnable(() -> onUnreachable(e)))
                .onErrorResume(e -> Mono.fromRunnable(() -> log.error("The loaded models could not be checked.", e)))
                .then();
    }

    /** Once for each model that somebody has loaded. */
    private Mono<Void> learnEmbedders(List<LoadedModel> list) {
        return list.stream().allMatch(model -> last.containsKey(model.id().normalized()))
                ? Mono.empty()
                : embeddings.learnEmbedders().onErrorComplete(LlmException.class);
    }

    private void onUnreachable(LlmException fault) {
        if (reachable) {
            log.warn("{} doesn't list its loaded models: {}", server, detail(fault));
        }
        reachable = false;
        restarting = true;
        emptyPolls = 0;
        last = Map.of();
    }

    private static String detail(LlmException fault) {
        String detail = fault.failure() instanceof UpstreamUnavailable down ? down.detail() : null;
        return detail == null ? fault.failure().message() : detail;
    }

    private void onList(List<LoadedModel> list) {
        reachable = true;
        Map<String, LoadedModel> now = new LinkedHashMap<>();
        Set<ModelId> own = new LinkedHashSet<>();
        for (LoadedModel model : list) {
            now.put(model.id().normalized(), model);
            if (queue.isWorking(model.id())) {
                ownContexts.put(model.id().normalized(), model.contextTokens());
            }
            if (!hasOtherContext(model)) { // else a chat has to load it again
                own.add(model.id());
            }
        }
        embeddings.report(own);
        Set<String> before = queue.loaded();
        if (queue.report(own)) {
            compare(before, now);
        }
        warn(now);
        last = now;
        warmUp(now);
    }

    /** @param before what the queue took for loaded */
    private void compare(Set<String> before, Map<String, LoadedModel> now) {
        Set<String> others = new LinkedHashSet<>(now.keySet());
        others.removeAll(before);
        for (String name : before) {
            LoadedModel lost = now.containsKey(name) ? null : last.get(name);
            if (lost == null || !isWatched(lost) || !lost.expiry().isAfter(clock.instant())) {
                continue;
            }
            if (now.isEmpty()) {
                restarting = true;
            } else if (!others.isEmpty()) {
                displacement = new Displacement(
                        name,
                        others,
                        "%s has unloaded %s and loaded %s, %s."
                                .formatted(server, lost.id(), String.join(", ", others), reason(others)));
            }
        }
        if (displacement != null && displacement.isOver(now.keySet())) {
            displacement = null;
        }
    }

    private String reason(Set<String> models) {
        return models.stream().map(ModelId::new).allMatch(embeddings::isEmbedder)
                ? "for embeddings: it has no room for both"
                : "for another of its clients";
    }

    private void warn(Map<String, LoadedModel> now) {
        List<String> found = new ArrayList<>();
        if (displacement != null) {
            found.add(displacement.warning());
        }
        for (LoadedModel model : now.values()) {
            if (isWatched(model) && hasOtherContext(model)) {
                found.add(
                        "%s has loaded %s with a context of %d tokens instead of %d: for another of its clients, or because the model has no longer one."
                                .formatted(server, model.id(), model.contextTokens(), ownContext(model)));
            }
        }
        found.stream().filter(warning -> !warnings.contains(warning)).forEach(warning -> {
            log.warn(warning);
            foreignReloads.increment();
        });
        if (found.isEmpty() && !warnings.isEmpty()) {
            log.info("{} has loaded the models as expected again.", server);
        }
        warnings = List.copyOf(found);
    }

    /** Not told for embeddings: their models often have a context of less than the configured one. */
    private boolean hasOtherContext(LoadedModel model) {
        return model.contextTokens() != 0
                && model.contextTokens() != ownContext(model)
                && !embeddings.isEmbedder(model.id());
    }

    private int ownContext(LoadedModel model) {
        return ownContexts.getOrDefault(model.id().normalized(), expected.contextTokens());
    }

    private boolean isWatched(LoadedModel model) {
        return expected.allowed().all()
                ? ownContexts.containsKey(model.id().normalized())
                : expected.allowed().targets().values().stream().anyMatch(target -> target.matches(model.id()));
    }

    /** Loads the default model once after each start, when no client needs the GPU. */
    private synchronized void warmUp(Map<String, LoadedModel> now) {
        emptyPolls = now.isEmpty() ? emptyPolls + 1 : 0;
        if (restarting && emptyPolls == 2) {
            cold = true;
            failedLoads = 0;
            pollsUntilLoad = 0;
        }
        restarting &= now.isEmpty() && emptyPolls < 2;
        ModelId model = expected.warm();
        if (model == null || !cold || !load.isDisposed()) {
            return;
        }
        if (now.containsKey(model.normalized())) {
            cold = false;
        } else if (pollsUntilLoad > 0) {
            pollsUntilLoad--;
        } else if (queue.running() + queue.waiting() + embeddings.running() + embeddings.waiting() == 0) {
            load = chats.load(WARM_UP, model)
                    .subscribe(nothing -> {}, fault -> onLoadFailed(model, fault), () -> onWarm(model));
        }
    }

    private synchronized void onWarm(ModelId model) {
        cold = false;
        log.info("The model {} is loaded.", model);
    }

    /** Waits for 1, 2, 4 … 64 polls until the next attempt. */
    private synchronized void onLoadFailed(ModelId model, Throwable fault) {
        log.warn("The model {} could not be loaded: {}", model, fault.getMessage());
        pollsUntilLoad = 1 << Math.min(failedLoads, MAX_DOUBLINGS);
        failedLoads++;
    }
}
