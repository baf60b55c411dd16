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

/** Asks whether the model server answers and has the model that is needed. Asks at most once in a few seconds. */
public final class ModelServerHealth implements ReactiveHealthIndicator {

    static final String REASON = "reason";
    static final String WARNING = "warning";

    private static final Duration FRESH = Duration.ofSeconds(3);
    private static final Duration WARNING_TIMEOUT = Duration.ofSeconds(1);
    private static final Duration PATIENCE = Duration.ofSeconds(2);

    private final String name;
    private final UnaryOperator<String> cure;
    private final Mono<Health> health;

    /**
     * @param name of the model server, for people
     * @param cure what an operator does to give it the model that is named
     * @param warning one sentence about what this model server can't do; empty for nothing
     * @param needed the default model, or null if any model that can chat will do
     */
    public ModelServerHealth(
            String name,
            UnaryOperator<String> cure,
            ModelDirectory models,
            Mono<String> warning,
            @Nullable ModelId needed) {
        this.name = name;
        this.cure = cure;
        Mono<String> warningInTime = warning.timeout(WARNING_TIMEOUT, Mono.empty());
        this.health = models.list()
                .map(found -> judge(found, needed))
                .flatMap(judged -> warningInTime
                        .map(text -> judged.withDetail(WARNING, text))
                        .defaultIfEmpty(judged)
                        .map(Health.Builder::build))
                .timeout(PATIENCE, Mono.fromSupplier(() -> down(name + " doesn't answer.")))
                .onErrorResume(LlmException.class, e -> Mono.just(down(reason(e.failure()))))
                .cache(FRESH);
    }

    @Override
    public Mono<Health> health() {
        return health;
    }

    private Health.Builder judge(List<ModelInfo> found, @Nullable ModelId needed) {
        boolean there = found.stream()
                .anyMatch(model -> model.chat() && (needed == null || model.id().matches(needed)));
        if (there) {
            return Health.up();
        }
        return downBecause(
                needed == null
                        ? name + " has no model that can chat (cure: " + cure.apply("MODEL") + ")."
                        : name + " doesn't have the model " + needed + " (cure: " + cure.apply(needed.value()) + ").");
    }

    /** Why exactly a connection failed is for operators, and nothing of the model server's own text. */
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
