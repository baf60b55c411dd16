package dev.localllm.core.catalog;

import static org.assertj.core.api.Assertions.assertThat;

import dev.localllm.core.failure.LlmException;
import dev.localllm.core.failure.LlmFailure.UnknownModel;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import reactor.core.publisher.Mono;
import reactor.test.StepVerifier;

class ModelDirectoryTest {

    private static final Duration TIMEOUT = Duration.ofSeconds(5);
    private static final ModelInfo EMBED = info("embed:latest", false);
    private static final ModelInfo QWEN = info("qwen3:4b", true);
    private static final ModelInfo GEMMA = info("gemma3:latest", true);

    @Test
    void resolvesANameToItselfIfAllModelsAreAllowed() {
        expectModel(directory(AllowedModels.ALL, null), "anything", "anything");
    }

    @Test
    void usesTheConfiguredDefaultIfTheRequestNamesNoModel() {
        expectModel(directory(AllowedModels.ALL, "gemma3"), null, "gemma3");
    }

    @Test
    void usesTheFirstModelThatCanChatIfNoDefaultIsConfigured() {
        expectModel(directory(AllowedModels.ALL, null), null, "qwen3:4b");
    }

    @Test
    void failsIfThereIsNoDefaultModel() {
        ModelDirectory empty = new ModelDirectory(() -> Mono.just(List.of(EMBED)), AllowedModels.ALL, null);
        expectUnknown(empty, null);
    }

    @Test
    void refusesANameThatIsNotAllowed() {
        expectUnknown(directory(allowed(Map.of("qwen3:4b", "qwen3:4b")), null), "gemma3");
    }

    @Test
    void resolvesAnAliasToItsTarget() {
        ModelDirectory directory = directory(allowed(Map.of("fast", "qwen3:4b")), "fast");
        expectModel(directory, "FAST", "qwen3:4b");
        expectModel(directory, null, "qwen3:4b");
        expectUnknown(directory, "qwen3:4b");
    }

    @Test
    void acceptsAnotherSpellingOfAnAllowedName() {
        expectModel(directory(allowed(Map.of("gemma3", "gemma3")), null), "Gemma3:latest", "gemma3");
    }

    @Test
    void listsAllowedExistingModelsUnderTheirAllowedNames() {
        ModelDirectory directory = directory(allowed(Map.of("fast", "qwen3:4b", "absent", "absent")), null);
        StepVerifier.create(directory.list())
                .assertNext(models -> assertThat(models).containsExactly(QWEN.named(new ModelId("fast"))))
                .expectComplete()
                .verify(TIMEOUT);
    }

    @Test
    void listsAllModelsIfAllAreAllowed() {
        StepVerifier.create(directory(AllowedModels.ALL, null).list())
                .expectNext(List.of(EMBED, QWEN, GEMMA))
                .expectComplete()
                .verify(TIMEOUT);
    }

    private static void expectModel(ModelDirectory directory, @Nullable String name, String expected) {
        StepVerifier.create(directory.resolve(name == null ? null : new ModelId(name)))
                .expectNext(new ModelId(expected))
                .expectComplete()
                .verify(TIMEOUT);
    }

    private static void expectUnknown(ModelDirectory directory, @Nullable String name) {
        StepVerifier.create(directory.resolve(name == null ? null : new ModelId(name)))
                .expectErrorMatches(error -> error instanceof LlmException e && e.failure() instanceof UnknownModel)
                .verify(TIMEOUT);
    }

    private static ModelDirectory directory(AllowedModels allowed, @Nullable String defaultName) {
        return new ModelDirectory(
                () -> Mono.just(List.of(EMBED, QWEN, GEMMA)),
                allowed,
                defaultName == null ? null : new ModelId(defaultName));
    }

    private static AllowedModels allowed(Map<String, String> targets) {
        return new AllowedModels(targets.entrySet().stream()
                .collect(Collectors.toMap(
                        entry -> new ModelId(entry.getKey()), entry -> new ModelId(entry.getValue()))));
    }

    private static ModelInfo info(String name, boolean chat) {
        return new ModelInfo(
                new ModelId(name),
                Instant.ofEpochSecond(name.length()),
                4096,
                Set.of(chat ? Capability.CHAT : Capability.EMBEDDING));
    }
}
