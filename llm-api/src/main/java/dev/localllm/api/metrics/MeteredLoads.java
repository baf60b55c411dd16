package dev.localllm.api.metrics;

import dev.localllm.core.catalog.ModelId;
import dev.localllm.core.chat.ChatEvent;
import dev.localllm.core.chat.ChatModel;
import dev.localllm.core.chat.Generation;
import dev.localllm.core.chat.GenerationRequest;
import dev.localllm.core.failure.LlmException;
import dev.localllm.core.failure.LlmFailure.UpstreamUnavailable;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;
import java.util.List;
import reactor.core.publisher.Flux;

/** Counts the loads that are sent to the model server, and leaves generations as they are. Thread-safe. */
public final class MeteredLoads implements ChatModel {

    private final ChatModel target;
    private final MeterRegistry registry;
    private final ModelLabels models;

    public MeteredLoads(ChatModel target, MeterRegistry registry, ModelLabels models) {
        this.target = target;
        this.registry = registry;
        this.models = models;
    }

    @Override
    public Generation open(ModelId model, GenerationRequest request) {
        return target.open(model, request);
    }

    @Override
    public Generation load(ModelId model) {
        Generation load = target.load(model);
        Flux<List<ChatEvent>> events = load.events()
                .doOnComplete(() -> {
                    models.learn(model);
                    count(model, "loaded");
                })
                .doOnError(fault -> {
                    if (!wasNotSent(fault)) {
                        count(model, "failed");
                    }
                })
                .doOnCancel(() -> count(model, "aborted"));
        return new Generation(events, load.closed());
    }

    /** The model server can't be reached, or its circuit is open. */
    private static boolean wasNotSent(Throwable fault) {
        return fault instanceof LlmException e && e.failure() instanceof UpstreamUnavailable;
    }

    private void count(ModelId model, String outcome) {
        Counter.builder("llm.model.loads")
                .description("Loads that were sent to the model server for chats and completions")
                .tag("model", models.of(model))
                .tag("outcome", outcome)
                .register(registry)
                .increment();
    }
}
