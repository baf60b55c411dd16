package dev.localllm.ollama;

import dev.localllm.core.catalog.LoadedModel;
import dev.localllm.core.catalog.LoadedModels;
import dev.localllm.core.catalog.ModelId;
import dev.localllm.core.failure.LlmException;
import dev.localllm.core.failure.LlmFailure.UpstreamProtocol;
import dev.localllm.upstream.Upstream;
import java.time.Instant;
import java.util.List;
import java.util.stream.Stream;
import reactor.core.publisher.Mono;

/** {@link LoadedModels} over GET /api/ps. */
final class OllamaLoadedModels implements LoadedModels {

    private final Upstream upstream;

    OllamaLoadedModels(Upstream upstream) {
        this.upstream = upstream;
    }

    @Override
    public Mono<List<LoadedModel>> list() {
        return OllamaJson.get(upstream, "/api/ps", OllamaWire.Running.class).map(running -> {
            if (running.models() == null) {
                throw new LlmException(new UpstreamProtocol("Ollama sent a response without a list of models."));
            }
            return running.models().stream()
                    .flatMap(model -> model == null ? Stream.empty() : loaded(model))
                    .toList();
        });
    }

    private static Stream<LoadedModel> loaded(OllamaWire.RunningModel model) {
        String name = model.name();
        return name == null || !ModelId.isName(name)
                ? Stream.empty()
                : Stream.of(new LoadedModel(
                        new ModelId(name),
                        model.contextTokens(),
                        model.expiresAt() == null
                                ? Instant.EPOCH
                                : model.expiresAt().toInstant()));
    }
}
