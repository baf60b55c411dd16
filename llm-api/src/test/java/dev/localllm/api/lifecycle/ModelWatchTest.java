package dev.localllm.api.lifecycle;

import static org.assertj.core.api.Assertions.assertThat;

import dev.localllm.core.access.Charging;
import dev.localllm.core.admission.FairQueue;
import dev.localllm.core.admission.QueueLimits;
import dev.localllm.core.admission.Ticket;
import dev.localllm.core.catalog.AllowedModels;
import dev.localllm.core.catalog.Capability;
import dev.localllm.core.catalog.LoadedModel;
import dev.localllm.core.catalog.ModelDirectory;
import dev.localllm.core.catalog.ModelId;
import dev.localllm.core.catalog.ModelInfo;
import dev.localllm.core.chat.ChatEvent;
import dev.localllm.core.chat.ChatModel;
import dev.localllm.core.chat.ChatService;
import dev.localllm.core.chat.DefaultThinking;
import dev.localllm.core.chat.Generation;
import dev.localllm.core.chat.GenerationRequest;
import dev.localllm.core.embedding.EmbeddingCall;
import dev.localllm.core.embedding.EmbeddingExchange;
import dev.localllm.core.embedding.EmbeddingRequest;
import dev.localllm.core.embedding.EmbeddingService;
import dev.localllm.core.embedding.Embeddings;
import dev.localllm.core.failure.LlmException;
import dev.localllm.core.failure.LlmFailure.UpstreamFailed;
import dev.localllm.core.failure.LlmFailure.UpstreamUnavailable;
import dev.localllm.core.limit.ClientId;
import dev.localllm.core.prompt.PromptCatalog;
import dev.localllm.core.prompt.PromptLimits;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import reactor.core.Disposable;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

class ModelWatchTest {

    private static final ModelId OWN = new ModelId("own");
    private static final ModelId OTHER = new ModelId("other");
    private static final Instant NOW = Instant.EPOCH;
    private static final LoadedModel LOADED = new LoadedModel(OWN, 8192, NOW.plusSeconds(60));
    private static final LoadedModel STRANGER = new LoadedModel(OTHER, 8192, NOW.plusSeconds(60));

    private static final QueueLimits LIMITS =
            new QueueLimits(9, 9, 1, Map.of(), Map.of(), Duration.ofSeconds(1), Duration.ofSeconds(1));

    private final FairQueue queue = new FairQueue(LIMITS, () -> 0);
    private final FairQueue embeddingQueue = new FairQueue(LIMITS, () -> 0);
    private Mono<Embeddings> embedded = Mono.just(new Embeddings(List.of(new float[] {1}), 1, Duration.ZERO));
    private Mono<List<ModelInfo>> catalog =
            Mono.just(List.of(info(OWN, Capability.CHAT), info(OTHER, Capability.CHAT)));
    private final EmbeddingService embeddings = new EmbeddingService(
            new Charging(null),
            9,
            new ModelDirectory(() -> Mono.defer(() -> catalog), AllowedModels.ALL, null),
            embeddingQueue,
            (model, request) -> new EmbeddingExchange(Mono.defer(() -> embedded), Mono.empty()));
    private final List<ModelId> loads = new ArrayList<>();
    private Flux<List<ChatEvent>> load = Flux.empty();
    private Mono<List<LoadedModel>> answer = Mono.just(List.of());

    @Test
    void tellsTheQueueWhatIsLoaded() {
        ModelWatch watch = watch(null);

        poll(watch, LOADED, STRANGER);

        assertThat(queue.loaded()).containsExactlyInAnyOrder("own:latest", "other:latest");
        assertThat(watch.warnings()).isEmpty();
        assertThat(loads).isEmpty();
    }

    @Test
    void loadsTheDefaultModelOnce() {
        ModelWatch watch = watch(OWN);

        poll(watch);
        poll(watch);
        poll(watch, STRANGER);

        assertThat(loads).containsExactly(OWN);
    }

    @Test
    void loadsNothingThatIsLoaded() {
        ModelWatch watch = watch(OWN);

        poll(watch, LOADED);
        poll(watch, STRANGER);

        assertThat(loads).isEmpty();
    }

    @Test
    void loadsNothingWhileClientsNeedTheGpu() {
        ModelWatch watch = watch(OWN);
        Ticket ticket = queue.enter(new ClientId("a"), OTHER);
        poll(watch);
        assertThat(loads).isEmpty();

        ticket.leave();
        poll(watch);

        assertThat(loads).containsExactly(OWN);
    }

    /** The model server was restarted between two polls. */
    @Test
    void loadsAgainIfAllModelsAreGoneBeforeTheirExpiry() {
        ModelWatch watch = watch(OWN);
        poll(watch, LOADED);

        poll(watch); // or it makes room for another model
        assertThat(loads).isEmpty();
        poll(watch);
        poll(watch);

        assertThat(loads).containsExactly(OWN);
    }

    @Test
    void loadsNothingIfAnotherModelComesAfterAll() {
        ModelWatch watch = watch(OWN);
        poll(watch, LOADED);

        poll(watch);
        poll(watch, STRANGER);
        poll(watch);
        poll(watch);

        assertThat(loads).isEmpty();
    }

    @Test
    void loadsNothingThatWasUnloadedAtItsExpiry() {
        ModelWatch watch = watch(OWN);
        poll(watch, new LoadedModel(OWN, 8192, NOW));

        poll(watch);
        poll(watch);

        assertThat(loads).isEmpty();
    }

    @Test
    void loadsAgainAfterTheModelServerWasDown() {
        ModelWatch watch = watch(OWN);
        poll(watch, new LoadedModel(OWN, 8192, NOW));
        answer = Mono.error(new LlmException(new UpstreamUnavailable("down")));
        watch.poll().block();
        watch.poll().block();
        poll(watch);
        assertThat(loads).isEmpty();

        poll(watch);

        assertThat(loads).containsExactly(OWN);
    }

    @Test
    void loadsNothingIfTheModelServerWasOnlySilent() {
        ModelWatch watch = watch(OWN);
        poll(watch, new LoadedModel(OWN, 8192, NOW));
        answer = Mono.error(new LlmException(new UpstreamUnavailable("silent")));
        watch.poll().block();

        poll(watch, STRANGER);
        poll(watch, STRANGER);

        assertThat(loads).isEmpty();
    }

    @Test
    void triesAgainLaterAndLaterIfTheLoadFails() {
        ModelWatch watch = watch(OWN);
        load = Flux.error(new LlmException(new UpstreamFailed("no memory")));
        poll(watch);
        poll(watch); // a pause
        poll(watch);
        assertThat(loads).hasSize(2);
        poll(watch); // two pauses
        poll(watch);
        assertThat(loads).hasSize(2);
        load = Flux.never();
        poll(watch);
        assertThat(loads).hasSize(3);

        for (int i = 0; i < 100; i++) {
            poll(watch, LOADED); // it is listed, but the load is not complete
            poll(watch);
        }
        assertThat(loads).hasSize(3);
    }

    @Test
    void goesOnAfterAnUnexpectedFault() {
        ModelWatch watch = watch(null);
        answer = Mono.error(new IllegalStateException("broken"));
        watch.poll().block();

        poll(watch, LOADED);

        assertThat(queue.loaded()).containsExactly("own:latest");
    }

    @Test
    void warnsWhileTheContextIsAnother() {
        ModelWatch watch = watch(null);

        poll(watch, new LoadedModel(OWN, 2048, NOW), STRANGER);

        assertThat(watch.warnings())
                .containsExactly("Ollama has loaded own with a context of 2048 tokens instead of 8192: for another of"
                        + " its clients, or because the model has no longer one.");
        assertThat(queue.loaded()).containsExactly("other:latest"); // a chat has to load it again
        poll(watch, new LoadedModel(OWN, 0, NOW)); // not reported
        assertThat(watch.warnings()).isEmpty();
    }

    @Test
    void expectsTheContextThatItsOwnChatsGet() {
        ModelWatch watch = watch(null);
        Ticket ticket = queue.enter(new ClientId("a"), OWN);
        LoadedModel small = new LoadedModel(OWN, 2048, NOW);
        poll(watch, small);
        assertThat(watch.warnings()).hasSize(1); // the load goes on
        ticket.onLoaded();

        poll(watch, small);

        assertThat(watch.warnings()).isEmpty();
        ticket.leave();
        poll(watch, small);
        assertThat(watch.warnings()).isEmpty();
        assertThat(queue.loaded()).containsExactly("own:latest");
        poll(watch, new LoadedModel(OWN, 1024, NOW));
        assertThat(watch.warnings()).singleElement().asString().contains("1024 tokens instead of 2048");
    }

    @Test
    void warnsWhenAnotherClientsModelDisplacesTheOwn() {
        ModelWatch watch = watch(OWN);
        poll(watch, LOADED);

        poll(watch, STRANGER);
        poll(watch, STRANGER);

        assertThat(watch.warnings())
                .containsExactly("Ollama has unloaded own and loaded other:latest, for another of its clients.");
        assertThat(watch.foreignReloads()).isOne();
        assertThat(loads).isEmpty(); // it would displace the other in turn
        poll(watch, new LoadedModel(new ModelId("third"), 4096, NOW));
        assertThat(watch.warnings()).isEmpty(); // the other is gone, too
    }

    @Test
    void doesNotWarnOfItsOwnSwitch() {
        ModelWatch watch = watch(null);
        poll(watch, LOADED);
        Ticket ticket = queue.enter(new ClientId("a"), OTHER);
        ticket.onLoaded();

        poll(watch, LOADED); // older than the switch
        poll(watch, STRANGER);

        assertThat(watch.warnings()).isEmpty();
        assertThat(queue.loaded()).containsExactly("other:latest");
    }

    @Test
    void watchesOnlyModelsThatCallersMayUse() {
        ModelWatch watch = watch(null);
        poll(watch, LOADED, STRANGER);

        poll(watch, LOADED, new LoadedModel(new ModelId("third"), 512, NOW));

        assertThat(watch.warnings()).isEmpty();
    }

    @Test
    void tellsTheQueueOfTheEmbeddingsWhatIsLoaded() {
        poll(watch(null), LOADED, STRANGER);

        assertThat(embeddingQueue.loaded()).containsExactlyInAnyOrder("own:latest", "other:latest");
    }

    @Test
    void expectsNoContextOfAModelThatEmbeds() {
        catalog = Mono.just(List.of(info(OWN, Capability.EMBEDDING)));
        ModelWatch watch = watch(null);

        poll(watch, new LoadedModel(OWN, 512, NOW));

        assertThat(watch.warnings()).isEmpty();
        assertThat(queue.loaded()).containsExactly("own:latest");
    }

    @Test
    void asksWhatCanEmbedWhenAModelWasLoaded() {
        AtomicInteger asked = new AtomicInteger();
        catalog = catalog.doOnSubscribe(subscription -> asked.incrementAndGet());
        ModelWatch watch = watch(null);

        poll(watch, LOADED);
        poll(watch, LOADED);
        assertThat(asked).hasValue(1);
        poll(watch, LOADED, STRANGER);
        poll(watch, STRANGER);

        assertThat(asked).hasValue(2);
    }

    @Test
    void watchesThoughItCantAskWhatCanEmbed() {
        catalog = Mono.error(new LlmException(new UpstreamUnavailable("down")));
        ModelWatch watch = watch(null);

        poll(watch, new LoadedModel(OWN, 512, NOW));

        assertThat(watch.warnings()).hasSize(1);
    }

    private static ModelInfo info(ModelId model, Capability capability) {
        return new ModelInfo(model, NOW, 0, Set.of(capability));
    }

    @Test
    void saysIfEmbeddingsDisplaceTheOwn() {
        catalog = Mono.just(List.of(info(OTHER, Capability.EMBEDDING)));
        ModelWatch watch = watch(null);
        poll(watch, LOADED);

        poll(watch, STRANGER);

        assertThat(watch.warnings())
                .containsExactly(
                        "Ollama has unloaded own and loaded other:latest, for embeddings: it has no room for both.");
    }

    @Test
    void loadsNothingWhileAnEmbeddingNeedsTheGpu() {
        catalog = Mono.just(List.of(info(OTHER, Capability.EMBEDDING)));
        ModelWatch watch = watch(OWN);
        embedded = Mono.never();
        Disposable running = start(OTHER);
        poll(watch);
        assertThat(loads).isEmpty();

        running.dispose();
        poll(watch);

        assertThat(loads).containsExactly(OWN);
    }

    private Disposable start(ModelId model) {
        EmbeddingCall call = new EmbeddingCall(
                model,
                new EmbeddingRequest(List.of("a"), null),
                (resolved, queued, batches) -> batches.then(),
                Runnable::run);
        return embeddings
                .embed(new ClientId("a"), decision -> {}, answer -> answer.apply(call))
                .subscribe();
    }

    private void poll(ModelWatch watch, LoadedModel... loaded) {
        answer = Mono.just(List.of(loaded));
        watch.poll().block();
    }

    private ModelWatch watch(@Nullable ModelId warm) {
        ChatModel model = new ChatModel() {
            @Override
            public Generation open(ModelId id, GenerationRequest request) {
                throw new UnsupportedOperationException();
            }

            @Override
            public Generation load(ModelId id) {
                loads.add(id);
                return new Generation(load, Mono.empty());
            }
        };
        ModelDirectory directory = new ModelDirectory(Mono::never, AllowedModels.ALL, null);
        return new ModelWatch(
                "Ollama",
                () -> answer,
                queue,
                new ChatService(
                        new Charging(null),
                        new PromptLimits(1, 1),
                        directory,
                        () -> PromptCatalog.EMPTY,
                        1,
                        DefaultThinking.NONE,
                        queue,
                        model),
                embeddings,
                new ModelWatch.Expected(new AllowedModels(Map.of(OWN, OWN)), 8192, warm),
                Duration.ofSeconds(5),
                () -> NOW);
    }
}
