package dev.localllm.api.openai;

import com.fasterxml.jackson.annotation.JsonProperty;
import dev.localllm.core.catalog.ModelDirectory;
import dev.localllm.core.catalog.ModelId;
import dev.localllm.core.catalog.ModelInfo;
import dev.localllm.core.failure.LlmException;
import dev.localllm.core.failure.LlmFailure.UnknownModel;
import java.util.List;
import java.util.Locale;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.RestController;
import reactor.core.publisher.Mono;

/**
 * GET /v1/models and /v1/models/{id}: the models that callers may name. Another wire with these paths is chosen by a header
 * that its mapping requires.
 */
@RestController
final class ModelController {

    record ModelList(String object, List<Model> data) {}

    /**
     * OpenAI's fields, and what the model can do.
     *
     * @param created in seconds of Unix time
     * @param contextLength largest context of a request, in tokens
     * @param capabilities such as {@code chat}, {@code tools}, {@code vision}, {@code thinking}, {@code embedding}
     */
    record Model(
            String id,
            String object,
            long created,
            @JsonProperty("owned_by") String ownedBy,
            @JsonProperty("context_length") int contextLength,
            List<String> capabilities) {}

    private final ModelDirectory models;
    private final int contextTokens;

    ModelController(ModelDirectory models, LoadOptions loadOptions) {
        this.models = models;
        this.contextTokens = loadOptions.contextTokens();
    }

    @GetMapping("/v1/models")
    Mono<ModelList> list() {
        return models.list()
                .map(found -> new ModelList(
                        "list",
                        found.stream().map(info -> model(info.id(), info)).toList()));
    }

    /** The id may contain slashes. The response repeats the requested spelling, as Ollama does. */
    @GetMapping("/v1/models/{*id}")
    Mono<Model> get(@PathVariable String id) {
        String name = id.substring(1);
        return models.list()
                .flatMapIterable(found -> found)
                .filter(info -> ModelId.isName(name) && info.id().matches(new ModelId(name)))
                .next()
                .map(info -> model(new ModelId(name), info))
                .switchIfEmpty(Mono.error(() -> new LlmException(new UnknownModel(name))));
    }

    private Model model(ModelId id, ModelInfo info) {
        return new Model(
                id.value(),
                "model",
                info.modifiedAt().getEpochSecond(),
                "library",
                info.contextTokens() == 0 ? contextTokens : Math.min(info.contextTokens(), contextTokens),
                info.capabilities().stream()
                        .sorted()
                        .map(capability -> capability.name().toLowerCase(Locale.ROOT))
                        .toList());
    }
}
