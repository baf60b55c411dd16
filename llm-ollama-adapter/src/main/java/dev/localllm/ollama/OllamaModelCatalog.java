package dev.localllm.ollama;

import dev.localllm.core.catalog.ModelCatalog;
import dev.localllm.core.catalog.ModelId;
import dev.localllm.core.catalog.ModelInfo;
import java.util.List;
import reactor.core.publisher.Mono;
import reactor.netty.http.client.HttpClient;

/** {@link ModelCatalog} over GET /api/tags. */
final class OllamaModelCatalog implements ModelCatalog {

    private final HttpClient client;

    OllamaModelCatalog(HttpClient client) {
        this.client = client;
    }

    @Override
    public Mono<List<ModelInfo>> list() {
        return OllamaJson.get(client, "/api/tags", OllamaWire.Tags.class)
                .map(tags ->
                        tags.models().stream().map(OllamaModelCatalog::info).toList());
    }

    private static ModelInfo info(OllamaWire.Tag tag) {
        List<String> capabilities = tag.capabilities();
        boolean chat = capabilities == null || capabilities.contains("completion");
        return new ModelInfo(new ModelId(tag.name()), tag.modifiedAt().toInstant(), chat);
    }
}
