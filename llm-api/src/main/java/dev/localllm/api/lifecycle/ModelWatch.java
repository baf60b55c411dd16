package dev.localllm.api.lifecycle;

import dev.localllm.core.admission.FairQueue;
import dev.localllm.core.catalog.AllowedModels;
import dev.localllm.core.catalog.LoadedModel;
import dev.localllm.core.catalog.LoadedModels;
import dev.localllm.core.catalog.ModelId;
import dev.localllm.core.chat.ChatService;
import dev.localllm.core.failure.LlmException;
import dev.localllm.core.limit.ClientId;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.context.SmartLifecycle;
import reactor.core.Disposable;
import reactor.core.Disposables;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/**
 * Asks the model server every few seconds what it has loaded: tells the queue, warns if another client of the model
 * server has changed it, and loads the default model after a start, of this server or of the model server.
 */
public final class ModelWatch implements SmartLifecycle {

    private static final Logger log = LoggerFactory.getLogger(ModelWatch.class);
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
    private final Expected expected;
    private final Duration interval;
    private final InstantSource clock;
    private final Disposable.Swap polls = Disposables.swap();
    private final Disposable.Swap load = Disposables.swap();
    private final AtomicBoolean loading = new AtomicBoolean();

    /** At the last poll, by normalized names. */
    private Map<String, LoadedModel> last = Map.of();

    private boolean coldStart = true;
    private @Nullable String displaced;
    private @Nullable String displacedModel;
    private volatile List<String> warnings = List.of();
    private volatile boolean started;

    /** @param server the model server's name in messages */
    public ModelWatch(
            String server,
            LoadedModels models,
            FairQueue queue,
            ChatService chats,
            Expected expected,
            Duration interval,
            InstantSource clock) {
        this.server = server;
        this.models = models;
        this.queue = queue;
        this.chats = chats;
        this.expected = expected;
        this.interval = interval;
        this.clock = clock;
    }

    /** One sentence for each way in which the loaded models differ from this server's settings. */
    public List<String> warnings() {
        return warnings;
    }

    @Override
    public void start() {
        started = true;
        polls.update(Flux.interval(Duration.ZERO, interval)
                .onBackpressureDrop()
                .concatMap(tick -> poll(), 1)
                .subscribe());
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
                .doOnNext(this::onLoaded)
                .onErrorResume(LlmException.class, e -> Mono.fromRunnable(this::onUnreachable))
                .onErrorResume(e -> Mono.fromRunnable(() -> log.error("The loaded models could not be checked.", e)))
                .then();
    }

    private void onUnreachable() {
        last = Map.of();
        coldStart = true;
    }

    private void onLoaded(List<LoadedModel> loaded) {
        Map<String, LoadedModel> now = new LinkedHashMap<>();
        Set<ModelId> ids = new LinkedHashSet<>();
        for (LoadedModel model : loaded) {
            now.put(model.id().normalized(), model);
            ids.add(model.id());
        }
        Set<String> before = queue.loaded();
        if (queue.onLoaded(ids)) {
            compare(before, now);
        }
        last = now;
        warm(now);
    }

    /** @param before what the queue took for loaded */
    private void compare(Set<String> before, Map<String, LoadedModel> now) {
        List<String> strangers = now.values().stream()
                .filter(model -> !before.contains(model.id().normalized()))
                .map(model -> model.id().value())
                .toList();
        for (String name : before) {
            LoadedModel lost = now.containsKey(name) ? null : last.get(name);
            if (lost != null && isWatched(lost) && lost.expiry().isAfter(clock.instant())) {
                if (now.isEmpty()) {
                    coldStart = true; // the model server was restarted between two polls, or told to unload the model
                } else if (!strangers.isEmpty()) {
                    displacedModel = name;
                    displaced = "%s has unloaded %s and loaded %s, for another of its clients."
                            .formatted(server, lost.id(), String.join(", ", strangers));
                }
            }
        }
        if (displacedModel != null && (now.isEmpty() || now.containsKey(displacedModel))) {
            displacedModel = null;
            displaced = null;
        }
        warn(now);
    }

    private void warn(Map<String, LoadedModel> now) {
        List<String> found = new ArrayList<>();
        if (displaced != null) {
            found.add(displaced);
        }
        for (LoadedModel model : now.values()) {
            int tokens = model.contextTokens();
            if (isWatched(model) && tokens != 0 && tokens != expected.contextTokens()) {
                found.add(
                        "%s has loaded %s with a context of %d tokens instead of %d: for another of its clients, or because the model has no longer one."
                                .formatted(server, model.id(), model.contextTokens(), expected.contextTokens()));
            }
        }
        found.stream().filter(warning -> !warnings.contains(warning)).forEach(log::warn);
        if (found.isEmpty() && !warnings.isEmpty()) {
            log.info("{} has loaded the models as expected again.", server);
        }
        warnings = List.copyOf(found);
    }

    private boolean isWatched(LoadedModel model) {
        return expected.allowed().all()
                || expected.allowed().targets().values().stream().anyMatch(target -> target.matches(model.id()));
    }

    /** Loads the default model once after each start. */
    private void warm(Map<String, LoadedModel> now) {
        ModelId model = expected.warm();
        if (model == null || now.containsKey(model.normalized())) {
            coldStart = false;
        } else if (coldStart && loading.compareAndSet(false, true)) {
            load.update(chats.load(WARM_UP, model)
                    .doFinally(signal -> loading.set(false))
                    .subscribe(
                            nothing -> {},
                            fault -> log.warn("The model {} could not be loaded: {}", model, fault.getMessage()),
                            () -> log.info("The model {} is loaded.", model)));
        }
    }
}
