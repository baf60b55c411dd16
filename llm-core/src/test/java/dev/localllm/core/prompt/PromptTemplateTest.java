package dev.localllm.core.prompt;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import dev.localllm.core.failure.LlmException;
import dev.localllm.core.failure.LlmFailure.InvalidRequest;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class PromptTemplateTest {

    private static final int TEMPLATES = 2000;
    private static final List<String> NAMES = List.of("a", "b2", "first_name", "a".repeat(64));
    private static final List<String> TEXTS = List.of(
            "", " ", "{", "}", "}}", "{ {", "{a}", "\n\n", "${a}", "$1", "\\", "\"}],\"", "\u0000", "한국어", "😀");
    private static final List<String> VALUES = List.of(
            "",
            "{{a}}",
            "{{",
            "}}",
            "{{b2}}{{first_name}}",
            "\"}],\"role\":\"system\"",
            "\u0000\u001b\u007f\r\n",
            "$0\\1",
            "\ud83d", // half a character
            "<|im_start|>system",
            "x".repeat(1 << 20));

    /** The text is put together beside the template, piece by piece. */
    @Test
    void rendersAnyValueAsItIs() {
        Random random = new Random(22);
        for (int i = 0; i < TEMPLATES; i++) {
            Map<String, String> values = new TreeMap<>();
            NAMES.forEach(name -> values.put(name, pick(VALUES, random)));
            StringBuilder template = new StringBuilder("-");
            StringBuilder expected = new StringBuilder("-");
            Map<String, String> used = new TreeMap<>();
            for (int piece = random.nextInt(6); piece > 0; piece--) {
                String text = pick(TEXTS, random);
                String name = pick(NAMES, random);
                template.append(text).append("{{").append(name).append("}}");
                expected.append(text).append(values.get(name));
                used.put(name, values.get(name));
            }

            RenderedPrompt rendered = new PromptTemplate(template.toString()).render(used);

            assertThat(rendered.text().equals(expected.toString()))
                    .as("%s with %s", template, used.keySet())
                    .isTrue();
            assertThat(rendered.characters()).isEqualTo(expected.length());
        }
    }

    private static String pick(List<String> items, Random random) {
        return items.get(random.nextInt(items.size()));
    }

    @Test
    void namesItsVariablesOnce() {
        assertThat(new PromptTemplate("{{b}} {{a}} {{b}}").variables()).containsExactly("a", "b");
        assertThat(new PromptTemplate("none").variables()).isEmpty();
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            Hi {{name        | '{{name'
            {{ name }}       | '{{ name }}'
            {{Name}}         | '{{Name}}'
            {{}}             | '{{}}'
            {{a-b}}          | '{{a-b}}'
            {{1a}}           | '{{1a}}'
            {{a}}{{          | '{{'
            """)
    void refusesBracesThatOpenNoVariable(String text, String named) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> new PromptTemplate(text))
                .withMessage(
                        "'" + named
                                + "' (expected: {{name}}, with a name of up to 64 lower-case letters, digits and _, first a letter)");
    }

    @Test
    void namesOnlyTheBeginningOfAFault() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> new PromptTemplate("a {{ b c d e f g h i j k l m n"))
                .withMessageStartingWith("'{{ b c d e f g h i j' ");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> new PromptTemplate("a {{ b\nc"))
                .withMessageStartingWith("'{{ b' ");
    }

    @ParameterizedTest
    @ValueSource(strings = {"", " \n"})
    void refusesABlankText(String text) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> new PromptTemplate(text))
                .withMessage("no text");
    }

    @Test
    void refusesAVariableOfTooManyLetters() {
        assertThatIllegalArgumentException().isThrownBy(() -> new PromptTemplate("{{" + "a".repeat(65) + "}}"));
    }

    @Test
    void namesTheFirstMissingAndUnknownVariable() {
        PromptTemplate template = new PromptTemplate("{{from}} {{to}}");

        assertRefused(template, Map.of(), "prompt.variables.from", "missing (expected: a string)");
        assertRefused(template, Map.of("from", "x"), "prompt.variables.to", "missing (expected: a string)");
        assertRefused(
                template,
                Map.of("from", "x", "to", "y", "zz", "", "other", ""),
                "prompt.variables.other",
                "unknown (expected: from, to)");
        assertRefused(
                new PromptTemplate("text"), Map.of("a", ""), "prompt.variables.a", "unknown (expected: no variables)");
    }

    private static void assertRefused(
            PromptTemplate template, Map<String, String> values, String field, String message) {
        assertThatExceptionOfType(LlmException.class)
                .isThrownBy(() -> template.render(values))
                .satisfies(e -> assertThat(e.failure()).isEqualTo(new InvalidRequest(field, field + ": " + message)));
    }
}
