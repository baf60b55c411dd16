package dev.localllm.ollama.simulator;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.json.JsonMapper;

/** What only requests of /api/generate have. */
class GenerateTest {

    @ParameterizedTest
    @CsvSource({"def add, return c, I fill the gap", "안녕, return c, 사이를 채웁니다", "def add, 안녕, 사이를 채웁니다"})
    void fillsTheGapBetweenPromptAndSuffix(String prompt, String suffix, String words) {
        assertThat(text(prompt, suffix)).contains("\"" + prompt + "\"", "\"" + suffix + "\"", words);
    }

    @Test
    void dependsOnPromptAndSuffix() {
        assertThat(text("a", "b")).isEqualTo(text("a", "b"));
        assertThat(text("a", "b")).isNotEqualTo(text("a", "c")).isNotEqualTo(text("c", "b"));
    }

    @Test
    void fillsAGapWithTheRequestedNumberOfTokens() {
        assertThat(new Completion(parse("\"suffix\":\"in 7 tokens\"")).tokens()).isEqualTo(7);
    }

    @ParameterizedTest
    @ValueSource(strings = {"\"suffix\":\"\"", "\"suffix\":null", "\"x\":0"})
    void answersAsAChatIfThereIsNoGap(String field) {
        Prompt prompt = parse(field);

        assertThat(text(prompt)).isEqualTo(String.join("", Storyteller.answer("Once", 0)));
        assertThat(prompt.promptTokens()).isEqualTo(parse("\"x\":0").promptTokens());
    }

    @Test
    void countsTheSuffix() {
        assertThat(parse("\"suffix\":\"one two three\"").promptTokens())
                .isEqualTo(parse("\"x\":0").promptTokens() + 3);
    }

    @Test
    void refusesASuffixThatIsNoString() {
        assertThatExceptionOfType(Refusal.class)
                .isThrownBy(() -> parse("\"suffix\":1"))
                .withMessageContaining("GenerateRequest.suffix of type string");
    }

    /** Ollama counts one token more: the one that begins a text. */
    @Test
    void sendsTheContextInTheLastLine() {
        Prompt prompt = parse("\"suffix\":\"end\"");
        Completion completion = new Completion(prompt);

        assertThat(answer(prompt).last().context()).hasSize(completion.promptTokens() + completion.tokens() - 1);
        assertThat(answer(prompt).line(new Piece.Text("a")).context()).isNull();
    }

    @ParameterizedTest
    @CsvSource({"truncate, exceeds the available context size", "shift, longer than the context length"})
    void refusesAPromptThatExceedsTheContextIfItMustNotBeCut(String field, String error) {
        String tooLong = "\"suffix\":\"" + "word ".repeat(300) + "\",\"options\":{\"num_ctx\":256}";

        assertThat(parse(tooLong).promptTokens()).isGreaterThan(256);
        assertThatExceptionOfType(Refusal.class)
                .isThrownBy(() -> parse(tooLong + ",\"" + field + "\":false"))
                .withMessageContaining(error)
                .satisfies(refusal -> assertThat(refusal.status()).isEqualTo(400));
    }

    private static String text(String prompt, String suffix) {
        return text(parse(prompt, "\"suffix\":\"" + suffix + "\""));
    }

    private static String text(Prompt prompt) {
        return new Completion(prompt)
                .pieces().stream().map(piece -> ((Piece.Text) piece).token()).collect(Collectors.joining());
    }

    private static Answer answer(Prompt prompt) {
        return new Answer(prompt, Duration.ZERO, Duration.ZERO, InstantSource.fixed(Instant.EPOCH));
    }

    private static Prompt parse(String field) {
        return parse("Once", field);
    }

    private static Prompt parse(String prompt, String field) {
        String request = "{\"model\":\"simulator\",\"prompt\":\"" + prompt + "\"," + field + "}";
        return Prompt.parse(JsonMapper.shared().readTree(request), false);
    }
}
