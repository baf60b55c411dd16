package dev.localllm.api.metrics;

import dev.localllm.core.catalog.ModelId;
import dev.localllm.core.chat.ChatEvent;
import dev.localllm.core.chat.ChatModel;
import dev.localllm.core.chat.Generation;
import dev.localllm.core.chat.GenerationRequest;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;
import java.util.List;
import reactor.core.publisher.Flux;

/** Counts the loads of models, and leaves generations as they are. Thread-safe. */
public final class MeteredLoads implements ChatModel {

    private final ChatModel target;
    private final MeterRegistry registry;
    private final ModelLabels models;

    /** @param maxModels limit of models with a label of their own */
    public MeteredLoads(ChatModel target, MeterRegistry registry, int maxModels) {
        this.target = target;
        this.registry = registry;
        this.models = new ModelLabels(maxModels);
    }

    @Override
    public Generation open(ModelId model, GenerationRequest request) {
        return target.open(model, request);
    }

    @Override
    public Generation load(ModelId model) {
        Generation load = target.load(model);
        Flux<List<ChatEvent>> events = load.events()
                .doOnComplete(() -> count(model, "loaded"))
                .doOnError(fault -> count(model, "failed"))
                .doOnCancel(() -> count(model, "aborted"));
        return new Generation(events, load.closed());
    }

    private void count(ModelId model, String outcome) {
        Counter.builder("llm.model.loads")
                .description("Loads of models, for chats and completions")
                .tag("model", models.of(model))
                .tag("outcome", outcome)
                .register(registry)
                .increment();
    }
}
