package dev.localllm.api.lifecycle;

import static org.assertj.core.api.Assertions.assertThat;

import dev.localllm.core.admission.FairQueue;
import dev.localllm.core.admission.QueueLimits;
import dev.localllm.core.admission.Ticket;
import dev.localllm.core.catalog.AllowedModels;
import dev.localllm.core.catalog.LoadedModel;
import dev.localllm.core.catalog.ModelDirectory;
import dev.localllm.core.catalog.ModelId;
import dev.localllm.core.chat.ChatEvent;
import dev.localllm.core.chat.ChatModel;
import dev.localllm.core.chat.ChatRequest;
import dev.localllm.core.chat.ChatService;
import dev.localllm.core.chat.Generation;
import dev.localllm.core.failure.LlmException;
import dev.localllm.core.failure.LlmFailure.UpstreamFailed;
import dev.localllm.core.failure.LlmFailure.UpstreamUnavailable;
import dev.localllm.core.limit.ClientId;
import dev.localllm.core.prompt.PromptLimits;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

class ModelWatchTest {

    private static final ModelId OWN = new ModelId("own");
    private static final ModelId OTHER = new ModelId("other");
    private static final Instant NOW = Instant.EPOCH;
    private static final LoadedModel LOADED = new LoadedModel(OWN, 8192, NOW.plusSeconds(60));
    private static final LoadedModel STRANGER = new LoadedModel(OTHER, 4096, NOW.plusSeconds(60));

    private final FairQueue queue = new FairQueue(
            new QueueLimits(9, 9, 1, Map.of(), Map.of(), Duration.ofSeconds(1), Duration.ofSeconds(1)), () -> 0);
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
    void loadsTheDefaultModelOnceAfterEachStart() {
        ModelWatch watch = watch(OWN);

        poll(watch);
        poll(watch, LOADED);
        poll(watch); // before its expiry: the model server was restarted between two polls

        assertThat(loads).containsExactly(OWN, OWN);
    }

    @Test
    void loadsNothingThatIsLoaded() {
        ModelWatch watch = watch(OWN);

        poll(watch, LOADED);

        assertThat(loads).isEmpty();
    }

    @Test
    void loadsNothingThatWasUnloadedAtItsExpiry() {
        ModelWatch watch = watch(OWN);
        poll(watch, new LoadedModel(OWN, 8192, NOW));

        poll(watch);

        assertThat(loads).isEmpty();
    }

    @Test
    void loadsAgainAfterTheModelServerWasDown() {
        ModelWatch watch = watch(OWN);
        poll(watch, new LoadedModel(OWN, 8192, NOW));
        answer = Mono.error(new LlmException(new UpstreamUnavailable("down")));
        watch.poll().block();
        assertThat(loads).isEmpty();

        poll(watch);

        assertThat(loads).containsExactly(OWN);
    }

    @Test
    void triesAgainIfTheLoadFails() {
        ModelWatch watch = watch(OWN);
        load = Flux.error(new LlmException(new UpstreamFailed("no memory")));
        poll(watch);
        load = Flux.never();

        poll(watch);
        poll(watch); // the second load is running

        assertThat(loads).hasSize(2);
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
        poll(watch, new LoadedModel(OWN, 0, NOW)); // not reported
        assertThat(watch.warnings()).isEmpty();
    }

    @Test
    void warnsWhenAnotherClientsModelDisplacesTheOwn() {
        ModelWatch watch = watch(OWN);
        poll(watch, LOADED);

        poll(watch, STRANGER);
        poll(watch, STRANGER);

        assertThat(watch.warnings())
                .containsExactly("Ollama has unloaded own and loaded other, for another of its clients.");
        assertThat(loads).isEmpty(); // it would displace the other in turn
        poll(watch, LOADED);
        assertThat(watch.warnings()).isEmpty();
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

    private void poll(ModelWatch watch, LoadedModel... loaded) {
        answer = Mono.just(List.of(loaded));
        watch.poll().block();
    }

    private ModelWatch watch(@Nullable ModelId warm) {
        ChatModel model = new ChatModel() {
            @Override
            public Generation open(ModelId id, ChatRequest request) {
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
                new ChatService(null, new PromptLimits(1, 1), directory, null, 1, queue, model),
                new ModelWatch.Expected(new AllowedModels(Map.of(OWN, OWN)), 8192, warm),
                Duration.ofSeconds(5),
                () -> NOW);
    }
}
