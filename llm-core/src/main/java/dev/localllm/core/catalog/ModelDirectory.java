package dev.localllm.core.catalog;

import dev.localllm.core.failure.LlmException;
import dev.localllm.core.failure.LlmFailure.UnknownModel;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;

/** Answers which model a caller's name means, and which models callers may see. Thread-safe. */
public final class ModelDirectory {

    private final ModelCatalog catalog;
    private final AllowedModels allowed;
    private final @Nullable ModelId defaultName;

    /** @param defaultName meant by a request that names no model; null means the catalog's first that can chat */
    public ModelDirectory(ModelCatalog catalog, AllowedModels allowed, @Nullable ModelId defaultName) {
        this.catalog = catalog;
        this.allowed = allowed;
        this.defaultName = defaultName;
    }

    /**
     * The model to generate with. Doesn't ask whether the model server has it: the server tells soon enough.
     *
     * @param name as the caller wrote it, or null for the default
     * @return fails with {@link UnknownModel} if the name is not allowed, or if there is no default to be had
     */
    public Mono<ModelId> resolve(@Nullable ModelId name) {
        ModelId wanted = name == null ? defaultName : name;
        if (wanted == null) {
            return list().flatMapIterable(models -> models)
                    .filter(ModelInfo::chat)
                    .next()
                    .flatMap(first -> target(first.id()))
                    .switchIfEmpty(Mono.error(() -> unknown("(default)")));
        }
        return target(wanted);
    }

    /** The models that callers may name, aliases included, as far as the model server has them. */
    public Mono<List<ModelInfo>> list() {
        return catalog.list().map(this::visible);
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
                        .ifPresent(model -> visible.add(new ModelInfo(name, model.modifiedAt(), model.chat()))));
        return List.copyOf(visible);
    }

    private static LlmException unknown(String name) {
        return new LlmException(new UnknownModel(name));
    }
}
