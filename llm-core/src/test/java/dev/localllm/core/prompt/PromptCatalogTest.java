package dev.localllm.core.prompt;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import dev.localllm.core.failure.LlmException;
import dev.localllm.core.failure.LlmFailure.InvalidRequest;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class PromptCatalogTest {

    private static final Prompt NINTH = prompt("translator", 9, "old {{word}}");
    private static final Prompt TENTH = prompt("translator", 10, "new {{word}}");
    private static final Prompt OTHER = prompt("assistant", 11, "Be kind.");
    private final PromptCatalog catalog = new PromptCatalog(List.of(TENTH, OTHER, NINTH), null);

    @Test
    void listsPromptsByIdAndVersion() {
        assertThat(catalog.prompts()).containsExactly(OTHER, NINTH, TENTH);
        assertThat(PromptCatalog.EMPTY.prompts()).isEmpty();
    }

    @Test
    void rendersTheLatestOrTheNamedVersion() {
        assertThat(rendered(null)).isEqualTo("new x");
        assertThat(rendered("10")).isEqualTo("new x");
        assertThat(rendered("9")).isEqualTo("old x");
    }

    @Test
    void namesTheUnknownIdOrVersion() {
        assertRefused("nobody", "1", "prompt.id", "'nobody' (expected: the id of a prompt of this server)");
        assertRefused(
                "x".repeat(1000),
                null,
                "prompt.id",
                "'" + "x".repeat(64) + "' (expected: the id of a prompt of this server)");
        assertRefused("nobody", null, "prompt.id", "'nobody' (expected: the id of a prompt of this server)");
        assertRefused("translator", "8", "prompt.version", "'8' (expected: a version of the prompt translator)");
        assertRefused("translator", "09", "prompt.version", "'09' (expected: a version of the prompt translator)");
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "A", "a b", "-a", "a/b", "a@2"})
    void refusesAnId(String id) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> prompt(id, 1, "a"))
                .withMessage("id: '" + id
                        + "' (expected: up to 64 lower-case letters, digits, _ and -, first a letter or digit)");
    }

    @Test
    void limitsIdsAndVersions() {
        assertThat(prompt("0" + "_".repeat(63), 1, "a").version()).isOne();
        assertThatIllegalArgumentException().isThrownBy(() -> prompt("a".repeat(65), 1, "a"));
        assertThatIllegalArgumentException()
                .isThrownBy(() -> prompt("a", 0, "a"))
                .withMessage("version: 0 (expected: 1 or more)");
    }

    private String rendered(@Nullable String version) {
        return catalog.render(new PromptReference("translator", version, Map.of("word", "x")))
                .text();
    }

    private void assertRefused(String id, @Nullable String version, String field, String message) {
        assertThatExceptionOfType(LlmException.class)
                .isThrownBy(() -> catalog.render(new PromptReference(id, version, Map.of())))
                .satisfies(e -> assertThat(e.failure()).isEqualTo(new InvalidRequest(field, field + ": " + message)));
    }

    private static Prompt prompt(String id, int version, String text) {
        return new Prompt(id, version, new PromptTemplate(text));
    }
}
