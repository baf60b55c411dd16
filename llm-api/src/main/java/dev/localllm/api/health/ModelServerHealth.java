package dev.localllm.api.health;

import dev.localllm.core.catalog.Capability;
import dev.localllm.core.catalog.ModelDirectory;
import dev.localllm.core.catalog.ModelId;
import dev.localllm.core.catalog.ModelInfo;
import dev.localllm.core.failure.LlmException;
import dev.localllm.core.failure.LlmFailure;
import dev.localllm.core.failure.LlmFailure.UpstreamUnavailable;
import java.time.Duration;
import java.util.List;
import java.util.function.Supplier;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.health.contributor.Health;
import org.springframework.boot.health.contributor.ReactiveHealthIndicator;
import reactor.core.publisher.Mono;

/** Checks that the model server responds and has the needed model. Results are cached for 3 seconds. */
public final class ModelServerHealth implements ReactiveHealthIndicator {

    static final String REASON = "reason";
    static final String WARNINGS = "warnings";

    private static final Duration CACHE_TIME = Duration.ofSeconds(3);
    private static final Duration WARNING_TIMEOUT = Duration.ofSeconds(1);
    private static final Duration TIMEOUT = Duration.ofSeconds(2);

    private final String name;
    private final UnaryOperator<String> fix;
    private final Mono<Health> health;

    /**
     * @param name of the model server, for messages
     * @param fix maps a model to the command that installs it
     * @param versionWarning emits one sentence about the version of this model server, or completes empty
     * @param warnings one sentence for each other problem of it, possibly none
     * @param needed the default model; null if any model that can chat is enough
     */
    public ModelServerHealth(
            String name,
            UnaryOperator<String> fix,
            ModelDirectory models,
            Mono<String> versionWarning,
            Supplier<List<String>> warnings,
            @Nullable ModelId needed) {
        this.name = name;
        this.fix = fix;
        Mono<List<String>> found = versionWarning
                .timeout(WARNING_TIMEOUT, Mono.empty())
                .map(List::of)
                .defaultIfEmpty(List.of())
                .map(first ->
                        Stream.concat(first.stream(), warnings.get().stream()).toList());
        this.health = models.list()
                .map(infos -> judge(infos, needed))
                .flatMap(judged ->
                        found.map(texts -> judged.withDetail(WARNINGS, texts).build()))
                .timeout(TIMEOUT, Mono.fromSupplier(() -> down(name + " doesn't answer.")))
                .onErrorResume(LlmException.class, e -> Mono.just(down(reason(e.failure()))))
                .cache(CACHE_TIME);
    }

    @Override
    public Mono<Health> health() {
        return health;
    }

    private Health.Builder judge(List<ModelInfo> infos, @Nullable ModelId needed) {
        boolean hasModel = infos.stream()
                .anyMatch(model -> model.can(Capability.CHAT)
                        && (needed == null || model.id().matches(needed)));
        if (hasModel) {
            return Health.up();
        }
        return downBecause(
                needed == null
                        ? name + " has no model that can chat (fix: " + fix.apply("MODEL") + ")."
                        : name + " doesn't have the model " + needed + " (fix: " + fix.apply(needed.value()) + ").");
    }

    /** The reason of a connection failure is shown to operators; the model server's own text is not. */
    private static String reason(LlmFailure failure) {
        return failure instanceof UpstreamUnavailable unavailable ? unavailable.detail() : failure.message();
    }

    private static Health down(String reason) {
        return downBecause(reason).build();
    }

    private static Health.Builder downBecause(String reason) {
        return Health.down().withDetail(REASON, reason);
    }
}
