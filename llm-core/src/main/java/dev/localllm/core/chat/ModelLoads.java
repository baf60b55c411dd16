package dev.localllm.core.chat;

import dev.localllm.core.catalog.ModelId;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BooleanSupplier;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Sinks;

/**
 * Loads models. Requests that wait for the same model share one load; a request that leaves does not abort a load that
 * others wait for. Thread-safe.
 */
final class ModelLoads {

    private final ChatModel chatModel;
    private final Map<String, Load> running = new HashMap<>();

    ModelLoads(ChatModel chatModel) {
        this.chatModel = chatModel;
    }

    /**
     * Loads the model, or joins a load of it that is running.
     *
     * @param isAwaited true if further requests wait for the model: then the load goes on without this one
     * @param onOver called if this request fails or leaves: when the load is over
     * @return completes when the model is loaded; takes one subscriber
     */
    Mono<Void> join(ModelId model, BooleanSupplier isAwaited, Runnable onOver) {
        return Mono.defer(() -> {
                    Load load = enter(model);
                    return load.end.asMono().doOnCancel(() -> leave(load, isAwaited, onOver));
                })
                .doOnError(fault -> onOver.run());
    }

    private Load enter(ModelId model) {
        Load load;
        synchronized (this) {
            load = running.get(model.normalized());
            if (load != null) {
                load.requests.incrementAndGet();
                return load;
            }
            load = new Load(model.normalized(), chatModel.load(model));
            running.put(load.name, load);
        }
        load.start();
        return load;
    }

    private void leave(Load load, BooleanSupplier isAwaited, Runnable onOver) {
        boolean abort;
        synchronized (this) {
            abort = load.requests.decrementAndGet() == 0 && !isAwaited.getAsBoolean();
            if (abort) {
                running.remove(load.name, load);
            }
        }
        load.opened.closed().subscribe(nothing -> {}, fault -> onOver.run(), onOver);
        if (abort) {
            load.abort.tryEmitEmpty();
        }
    }

    private final class Load {

        private final String name;

        /** Its events stay empty. */
        private final Generation opened;

        private final Sinks.Empty<Void> abort = Sinks.empty();
        private final Sinks.Empty<Void> end = Sinks.empty();

        /** Number of requests that wait for the load; changed under the lock. */
        private final AtomicInteger requests = new AtomicInteger(1);

        private Load(String name, Generation opened) {
            this.name = name;
            this.opened = opened;
        }

        private void start() {
            opened.events().takeUntilOther(abort.asMono()).subscribe(nothing -> {}, this::fail, this::complete);
        }

        private void complete() {
            remove();
            end.tryEmitEmpty();
        }

        private void fail(Throwable fault) {
            remove();
            end.tryEmitError(fault);
        }

        private void remove() {
            synchronized (ModelLoads.this) {
                running.remove(name, this);
            }
        }
    }
}
