package dev.localllm.core.embedding;

import dev.localllm.core.access.Charging;
import dev.localllm.core.access.Permits;
import dev.localllm.core.admission.FairQueue;
import dev.localllm.core.admission.Ticket;
import dev.localllm.core.catalog.Capability;
import dev.localllm.core.catalog.ModelDirectory;
import dev.localllm.core.catalog.ModelId;
import dev.localllm.core.catalog.ModelInfo;
import dev.localllm.core.failure.LlmException;
import dev.localllm.core.failure.LlmFailure.InvalidRequest;
import dev.localllm.core.failure.LlmFailure.UnsupportedByModel;
import dev.localllm.core.limit.ClientId;
import dev.localllm.core.limit.RateDecision;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Consumer;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/**
 * The use case, the same for every wire: charges the client, decodes, checks the limits, resolves the model, waits for a
 * permit, embeds one batch after the other. Its queue is not that of the chats, so that neither blocks the other.
 * Thread-safe.
 */
public final class EmbeddingService {

    private final Charging charging;
    private final int maxInputCharacters;
    private final ModelDirectory models;
    private final FairQueue queue;
    private final EmbeddingModel embeddingModel;

    /** Models that can embed, by normalized names, as far as is known. Bounded: only models that the model server has. */
    private final Set<String> embedders = ConcurrentHashMap.newKeySet();

    /**
     * @param maxInputCharacters maximum of UTF-16 code units in one input
     * @param queue for embeddings only
     */
    public EmbeddingService(
            Charging charging,
            int maxInputCharacters,
            ModelDirectory models,
            FairQueue queue,
            EmbeddingModel embeddingModel) {
        this.charging = charging;
        this.maxInputCharacters = maxInputCharacters;
        this.models = models;
        this.queue = queue;
        this.embeddingModel = embeddingModel;
    }

    /** Serves one request of a client, as {@link Charging#charge} specifies. */
    public Mono<Void> embed(ClientId client, Consumer<RateDecision> onDecision, EmbeddingDecoder decoder) {
        return charging.charge(client, onDecision, () -> decoder.decode(call -> embed(client, call)));
    }

    /**
     * Learns from the model server which models can embed.
     *
     * @return fails with an {@link LlmException}
     */
    public Mono<Void> learnEmbedders() {
        return models.listAll().doOnNext(all -> all.forEach(this::learn)).then();
    }

    /** True if the model can embed, as far as is known: from {@link #learnEmbedders}, or a request for the model. */
    public boolean isEmbedder(ModelId model) {
        return embedders.contains(model.normalized());
    }

    private void learn(ModelInfo info) {
        if (info.can(Capability.EMBEDDING)) {
            embedders.add(info.id().normalized());
        }
    }

    /** Number of requests that hold a permit now. */
    public int running() {
        return queue.running();
    }

    /** Number of requests that wait for a permit now. */
    public int waiting() {
        return queue.waiting();
    }

    /** What the model server has loaded, as for {@link FairQueue#report}. */
    public void report(Set<ModelId> loaded) {
        queue.report(loaded);
    }

    /** Refuses the waiting requests and all further ones. Running ones go on. */
    public void shutDown() {
        queue.shutDown();
    }

    private Mono<Void> embed(ClientId client, EmbeddingCall call) {
        return Mono.defer(() -> {
                    checkLimit(call.request().inputs());
                    return models.resolve(call.model());
                })
                .delayUntil(this::requireEmbedder)
                .flatMap(model -> Mono.using(
                        () -> queue.enter(client, model),
                        ticket -> call.responder().respond(model, ticket, batches(ticket, model, call)),
                        Ticket::leave));
    }

    /** Before the model is loaded, which may unload another one. What the list doesn't tell, the exchange will. */
    private Mono<Void> requireEmbedder(ModelId model) {
        return isEmbedder(model)
                ? Mono.empty()
                : models.listAll()
                        .onErrorComplete(LlmException.class)
                        .doOnNext(all -> all.forEach(info -> {
                            learn(info);
                            if (info.id().matches(model) && !info.can(Capability.EMBEDDING)) {
                                throw new LlmException(new UnsupportedByModel(
                                        model.value(), "The model '" + model + "' does not support embeddings.", null));
                            }
                        }))
                        .then();
    }

    private void checkLimit(List<String> inputs) {
        for (int i = 0; i < inputs.size(); i++) {
            int length = inputs.get(i).length();
            if (length > maxInputCharacters) {
                throw new LlmException(new InvalidRequest(
                        "input",
                        "input[" + i + "]: " + length + " characters (expected: at most " + maxInputCharacters + ")"));
            }
        }
    }

    /** Waits for the permit, then embeds. */
    private Flux<Embeddings> batches(Ticket ticket, ModelId model, EmbeddingCall call) {
        return Flux.defer(() -> ticket.isGranted()
                ? start(ticket, model, call.request())
                : Permits.await(ticket, queue, call.thread())
                        .flatMapMany(granted -> start(granted, model, call.request())));
    }

    private Flux<Embeddings> start(Ticket ticket, ModelId model, EmbeddingRequest request) {
        if (!ticket.startLoad() && !ticket.start()) {
            return Flux.error(new IllegalStateException("subscribers: 2 (expected: 1)"));
        }
        SharedPermit permit = new SharedPermit(ticket);
        return Flux.fromIterable(request.batches())
                .concatMap(batch -> Mono.defer(() -> embed(model, batch, permit)))
                .doOnNext(batch -> ticket.onLoaded()) // by the first batch, if it was not loaded
                .doFinally(signal -> permit.release());
    }

    private Mono<Embeddings> embed(ModelId model, EmbeddingRequest batch, SharedPermit permit) {
        EmbeddingExchange exchange = embeddingModel.open(model, batch);
        return permit.hold()
                ? exchange.embeddings()
                        .doOnSubscribe(subscription ->
                                exchange.closed().subscribe(nothing -> {}, fault -> permit.release(), permit::release))
                : Mono.empty();
    }
}
