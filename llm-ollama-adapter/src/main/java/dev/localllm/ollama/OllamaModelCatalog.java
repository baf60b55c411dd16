package dev.localllm.ollama;

import dev.localllm.core.catalog.Capability;
import dev.localllm.core.catalog.ModelCatalog;
import dev.localllm.core.catalog.ModelId;
import dev.localllm.core.catalog.ModelInfo;
import dev.localllm.core.failure.LlmException;
import dev.localllm.core.failure.LlmFailure.UpstreamProtocol;
import dev.localllm.upstream.Upstream;
import java.time.Instant;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;
import reactor.core.publisher.Mono;

/** {@link ModelCatalog} over GET /api/tags. */
final class OllamaModelCatalog implements ModelCatalog {

    private static final Map<String, Capability> CAPABILITIES = Map.of(
            "completion", Capability.CHAT,
            "tools", Capability.TOOLS,
            "vision", Capability.VISION,
            "thinking", Capability.THINKING,
            "insert", Capability.INSERT,
            "embedding", Capability.EMBEDDING);

    private final Upstream upstream;

    OllamaModelCatalog(Upstream upstream) {
        this.upstream = upstream;
    }

    @Override
    public Mono<List<ModelInfo>> list() {
        return OllamaJson.get(upstream, "/api/tags", OllamaWire.Tags.class).map(tags -> {
            if (tags.models() == null) {
                throw new LlmException(new UpstreamProtocol("Ollama sent a response without a list of models."));
            }
            return tags.models().stream()
                    .flatMap(tag -> tag == null ? Stream.empty() : info(tag))
                    .toList();
        });
    }

    /** Empty for a model whose name is not a valid {@link ModelId}. */
    private static Stream<ModelInfo> info(OllamaWire.Tag tag) {
        String name = tag.name();
        if (name == null || !ModelId.isName(name)) {
            return Stream.empty();
        }
        Instant modified =
                tag.modifiedAt() == null ? Instant.EPOCH : tag.modifiedAt().toInstant();
        int contextTokens = tag.details() == null ? 0 : tag.details().contextTokens();
        return Stream.of(new ModelInfo(new ModelId(name), modified, contextTokens, capabilities(tag)));
    }

    private static Set<Capability> capabilities(OllamaWire.Tag tag) {
        if (tag.capabilities() == null || tag.capabilities().isEmpty()) {
            return Set.of(Capability.CHAT);
        }
        Set<Capability> capabilities = EnumSet.noneOf(Capability.class);
        for (String name : tag.capabilities()) {
            Capability capability = name == null ? null : CAPABILITIES.get(name);
            if (capability != null) {
                capabilities.add(capability);
            }
        }
        return capabilities;
    }
}
