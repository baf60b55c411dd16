package dev.localllm.api.health;

import dev.localllm.core.catalog.ModelDirectory;
import dev.localllm.core.catalog.ModelId;
import dev.localllm.core.catalog.ModelInfo;
import dev.localllm.core.failure.LlmException;
import dev.localllm.core.failure.LlmFailure;
import dev.localllm.core.failure.LlmFailure.UpstreamUnavailable;
import java.time.Duration;
import java.util.List;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.health.contributor.Health;
import org.springframework.boot.health.contributor.ReactiveHealthIndicator;
import reactor.core.publisher.Mono;

/** Checks that the model server responds and has the needed model. Results are cached for 3 seconds. */
public final class ModelServerHealth implements ReactiveHealthIndicator {

    static final String REASON = "reason";
    static final String WARNING = "warning";

    private static final Duration CACHE_TIME = Duration.ofSeconds(3);
    private static final Duration WARNING_TIMEOUT = Duration.ofSeconds(1);
    private static final Duration TIMEOUT = Duration.ofSeconds(2);

    private final String name;
    private final UnaryOperator<String> fix;
    private final Mono<Health> health;

    /**
     * @param name of the model server, for messages
     * @param fix maps a model to the command that installs it
     * @param warning emits one sentence about a problem of this model server, or completes empty
     * @param needed the default model; null if any model that can chat is enough
     */
    public ModelServerHealth(
            String name,
            UnaryOperator<String> fix,
            ModelDirectory models,
            Mono<String> warning,
            @Nullable ModelId needed) {
        this.name = name;
        this.fix = fix;
        Mono<String> warningInTime = warning.timeout(WARNING_TIMEOUT, Mono.empty());
        this.health = models.list()
                .map(found -> judge(found, needed))
                .flatMap(judged -> warningInTime
                        .map(text -> judged.withDetail(WARNING, text))
                        .defaultIfEmpty(judged)
                        .map(Health.Builder::build))
                .timeout(TIMEOUT, Mono.fromSupplier(() -> down(name + " doesn't answer.")))
                .onErrorResume(LlmException.class, e -> Mono.just(down(reason(e.failure()))))
                .cache(CACHE_TIME);
    }

    @Override
    public Mono<Health> health() {
        return health;
    }

    private Health.Builder judge(List<ModelInfo> found, @Nullable ModelId needed) {
        boolean hasModel = found.stream()
                .anyMatch(model -> model.chat() && (needed == null || model.id().matches(needed)));
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
