package dev.localllm.core.chat;

import dev.localllm.core.admission.FairQueue;
import dev.localllm.core.admission.Ticket;
import dev.localllm.core.catalog.ModelId;
import java.util.Map;
import java.util.concurrent.CancellationException;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executor;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Sinks;

/**
 * Loads models. Requests that wait for the same model share one load. A request that leaves aborts the load if nobody
 * else waits for the model. Thread-safe.
 */
final class ModelLoads {

    private final ChatModel chatModel;
    private final FairQueue queue;

    /** By normalized names; changed under the lock. */
    private final Map<String, Load> running = new ConcurrentHashMap<>();

    ModelLoads(ChatModel chatModel, FairQueue queue) {
        this.chatModel = chatModel;
        this.queue = queue;
    }

    /**
     * Loads the model, or joins a load of it that is running, then subscribes to {@code next}.
     *
     * @param ticket has started the load. If the request fails or leaves before {@code next}, the ticket is released when
     *     the exchange of the load is closed
     * @param next called when the model is loaded, unless the request has left; calls {@link Ticket#onLoaded}
     * @param thread calls {@code next}
     */
    <T> Flux<T> before(Supplier<Flux<T>> next, ModelId model, Ticket ticket, Executor thread) {
        return Mono.defer(() -> join(model, ticket, thread)).flatMapMany(loaded -> next.get());
    }

    /** Called when a request for the model has ended: aborts the load of the model if nobody waits for it any longer. */
    void abortUnlessAwaited(ModelId model) {
        if (running.isEmpty()) {
            return;
        }
        Load load;
        synchronized (this) {
            load = running.get(model.normalized());
            if (load == null || load.requests > 0 || queue.isAwaited(model)) {
                return;
            }
            load.aborted = true;
            running.remove(load.name);
        }
        load.abort.tryEmitEmpty();
    }

    private Mono<Boolean> join(ModelId model, Ticket ticket, Executor thread) {
        Load load;
        try {
            load = enter(model);
        } catch (RuntimeException e) {
            ticket.release();
            throw e;
        }
        return Mono.create(sink -> {
            sink.onCancel(() -> leave(load, ticket));
            load.end
                    .asMono()
                    .subscribe(
                            success -> thread.execute(() -> sink.success(success)),
                            fault -> thread.execute(() -> fail(load, ticket, () -> sink.error(fault))));
        });
    }

    private Load enter(ModelId model) {
        Load load;
        synchronized (this) {
            load = running.get(model.normalized());
            if (load != null) {
                load.requests++;
                return load;
            }
            load = new Load(model.normalized(), chatModel.load(model));
            running.put(load.name, load);
        }
        load.start();
        return load;
    }

    /** Does nothing if the request has left. */
    private static void fail(Load load, Ticket ticket, Runnable signal) {
        if (ticket.abandon()) {
            releaseAfter(load.opened.closed(), ticket);
            signal.run();
        }
    }

    private void leave(Load load, Ticket ticket) {
        if (!ticket.abandon()) {
            return;
        }
        synchronized (this) {
            load.requests--;
        }
        Mono<Void> loaded = load.end
                .asMono()
                .doOnNext(success -> ticket.onLoaded()) // the next request need not load it again
                .onErrorComplete()
                .then();
        releaseAfter(loaded.then(load.opened.closed()), ticket);
    }

    private static void releaseAfter(Mono<Void> end, Ticket ticket) {
        end.subscribe(nothing -> {}, fault -> ticket.release(), ticket::release);
    }

    private final class Load {

        private final String name;

        /** Its events stay empty. */
        private final Generation opened;

        private final Sinks.Empty<Void> abort = Sinks.empty();

        /** Emits true when the model is loaded. */
        private final Sinks.One<Boolean> end = Sinks.one();

        /** Number of requests that wait for the load, apart from those in the queue. Guarded by the lock. */
        private int requests = 1;

        /** Guarded by the lock. */
        private boolean aborted;

        private Load(String name, Generation opened) {
            this.name = name;
            this.opened = opened;
        }

        private void start() {
            opened.events().takeUntilOther(abort.asMono()).subscribe(nothing -> {}, this::end, () -> end(null));
        }

        private void end(@Nullable Throwable fault) {
            boolean unwanted;
            synchronized (ModelLoads.this) {
                running.remove(name, this);
                unwanted = aborted;
            }
            if (unwanted) {
                end.tryEmitError(new CancellationException("nobody waits for the load"));
            } else if (fault != null) {
                end.tryEmitError(fault);
            } else {
                end.tryEmitValue(true);
            }
        }
    }
}
