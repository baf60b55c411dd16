package dev.localllm.api.metrics;

import static org.assertj.core.api.Assertions.assertThat;

import dev.localllm.core.catalog.ModelId;
import dev.localllm.core.chat.ChatEvent;
import dev.localllm.core.chat.ChatModel;
import dev.localllm.core.chat.Generation;
import dev.localllm.core.chat.GenerationRequest;
import dev.localllm.core.failure.LlmException;
import dev.localllm.core.failure.LlmFailure.UpstreamFailed;
import dev.localllm.core.failure.LlmFailure.UpstreamUnavailable;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.util.List;
import org.junit.jupiter.api.Test;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

class MeteredLoadsTest {

    private static final ModelId MODEL = new ModelId("m");

    private final MeterRegistry registry = new SimpleMeterRegistry();
    private final ModelLabels models = new ModelLabels(List.of(), 10);

    @Test
    void countsLoadsByTheirOutcome() {
        load(Flux.empty()).events().subscribe();
        load(Flux.error(new LlmException(new UpstreamFailed("no")))).events().subscribe(events -> {}, fault -> {});
        load(Flux.never()).events().subscribe().dispose();
        load(Flux.never()).events().subscribe();
        load(Flux.error(new LlmException(new UpstreamUnavailable("down"))))
                .events()
                .subscribe(events -> {}, fault -> {});

        for (String outcome : List.of("loaded", "failed", "aborted")) {
            assertThat(registry.get("llm.model.loads")
                            .tags("model", "m:latest", "outcome", outcome)
                            .counter()
                            .count())
                    .as(outcome)
                    .isOne();
        }
    }

    private Generation load(Flux<List<ChatEvent>> events) {
        ChatModel target = new ChatModel() {
            @Override
            public Generation open(ModelId model, GenerationRequest request) {
                throw new UnsupportedOperationException();
            }

            @Override
            public Generation load(ModelId model) {
                return new Generation(events, Mono.empty());
            }
        };
        return new MeteredLoads(target, registry, models).load(MODEL);
    }
}
