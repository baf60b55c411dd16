package dev.localllm.core.catalog;

import dev.localllm.core.failure.LlmException;
import dev.localllm.core.failure.LlmFailure.UnknownModel;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;

/** Resolves the model names of callers, and lists the models that callers may name. Thread-safe. */
public final class ModelDirectory {

    private final ModelCatalog catalog;
    private final AllowedModels allowed;
    private final @Nullable ModelId defaultName;

    /** @param defaultName for requests that name no model; null means the catalog's first model that can chat */
    public ModelDirectory(ModelCatalog catalog, AllowedModels allowed, @Nullable ModelId defaultName) {
        this.catalog = catalog;
        this.allowed = allowed;
        this.defaultName = defaultName;
    }

    /**
     * Resolves a name to the model to generate with. Does not check that the model server has it; if it doesn't, the
     * generation fails.
     *
     * @param name as the caller wrote it; null for the default
     * @return fails with {@link UnknownModel} if the name is not allowed or there is no default model
     */
    public Mono<ModelId> resolve(@Nullable ModelId name) {
        ModelId requested = name == null ? defaultName : name;
        if (requested == null) {
            return list().flatMapIterable(models -> models)
                    .filter(model -> model.can(Capability.CHAT))
                    .next()
                    .flatMap(first -> target(first.id()))
                    .switchIfEmpty(Mono.error(() -> unknown("(default)")));
        }
        return target(requested);
    }

    /** Lists the models that callers may name, including aliases; without those that the model server doesn't have. */
    public Mono<List<ModelInfo>> list() {
        return catalog.list().map(this::visible);
    }

    /** Lists all models of the model server under their own names. */
    public Mono<List<ModelInfo>> listAll() {
        return catalog.list();
    }

    private Mono<ModelId> target(ModelId name) {
        ModelId target = allowed.target(name);
        return target == null ? Mono.error(() -> unknown(name.value())) : Mono.just(target);
    }

    private List<ModelInfo> visible(List<ModelInfo> models) {
        if (allowed.all()) {
            return models;
        }
        List<ModelInfo> visible = new ArrayList<>();
        allowed.targets()
                .forEach((name, target) -> models.stream()
                        .filter(model -> model.id().matches(target))
                        .findFirst()
                        .ifPresent(model -> visible.add(model.named(name))));
        return List.copyOf(visible);
    }

    private static LlmException unknown(String name) {
        return new LlmException(new UnknownModel(name));
    }
}
