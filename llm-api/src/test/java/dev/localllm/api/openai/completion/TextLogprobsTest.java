package dev.localllm.api.openai.completion;

import static org.assertj.core.api.Assertions.assertThat;

import dev.localllm.api.openai.OpenAiJson;
import dev.localllm.core.chat.JsonText;
import dev.localllm.core.chat.TokenLogprob;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class TextLogprobsTest {

    @Test
    void hasTheFormOfTheRoute() {
        TokenLogprob token = new TokenLogprob(
                "a\"",
                -0.5,
                List.of(97, 34),
                List.of(token("b", -0.25), new TokenLogprob("a\"", -0.5, List.of(), List.of())));

        assertThat(json(new TextLogprobs("ab").of(List.of(token, token("c", -2)))))
                .isEqualTo("{\"tokens\":[\"a\\\"\",\"c\"],\"token_logprobs\":[-0.5,-2.0],"
                        + "\"top_logprobs\":[{\"b\":-0.25,\"a\\\"\":-0.5},{\"c\":-2.0}],\"text_offset\":[2,4]}");
    }

    /** OpenAI promises it also if the token is not among the most probable ones. */
    @Test
    void hasTheGeneratedTokenAmongTheTop() {
        TokenLogprob token = new TokenLogprob("c", -3, List.of(99), List.of(token("a", -1), token("b", -2)));

        assertThat(new TextLogprobs("").of(List.of(token)).topLogprobs())
                .singleElement()
                .satisfies(top -> assertThat(top.keySet()).containsExactly("a", "b", "c"));
    }

    /** Tokens that are parts of characters have the same name. */
    @Test
    void keepsTheMostProbableOfEqualNames() {
        TokenLogprob token = new TokenLogprob(
                "\ufffd",
                -1,
                List.of(0xe3),
                List.of(
                        new TokenLogprob("\ufffd", -0.5, List.of(0xe2), List.of()),
                        new TokenLogprob("\ufffd", -2, List.of(0xe4), List.of())));

        assertThat(json(new TextLogprobs("").of(List.of(token)))).contains("\"top_logprobs\":[{\"\ufffd\":-0.5}]");
    }

    @Test
    void replacesUnpairedSurrogates() {
        TokenLogprob token = new TokenLogprob("\ud83d", -1, List.of(), List.of());

        assertThat(json(new TextLogprobs("").of(List.of(token))))
                .isEqualTo("{\"tokens\":[\"\ufffd\"],\"token_logprobs\":[-1.0],\"top_logprobs\":[{\"\ufffd\":-1.0}],"
                        + "\"text_offset\":[0]}");
    }

    /** In code points, as Python counts. */
    @Test
    void countsFromTheBeginningOfThePrompt() {
        TextLogprobs logprobs = new TextLogprobs("🙂é");

        assertThat(logprobs.of(List.of(token("안녕"), token("🙂"), token("!"))).textOffset())
                .containsExactly(2, 4, 5);
        logprobs.onText(JsonText.of("안녕🙂!"));
        assertThat(logprobs.of(List.of(token("a"))).textOffset()).containsExactly(6);
    }

    @Test
    void beginsAPartOfACharacterWhereTheCharacterBegins() {
        List<TokenLogprob> tokens = List.of(part(0xe3), part(0x81), part(0x96, 'a'), part('b'));

        assertThat(new TextLogprobs("ab").of(tokens).textOffset()).containsExactly(2, 2, 2, 4);
    }

    @Test
    void countsWhatTheTextHasAndNotTheTokens() {
        TextLogprobs logprobs = new TextLogprobs("");
        logprobs.of(List.of(token("hidden"), token("a")));
        logprobs.onText(JsonText.of("a"));

        assertThat(logprobs.of(List.of(new TokenLogprob("", -1, List.of(), List.of()), token("b")))
                        .textOffset())
                .containsExactly(1, 1);
    }

    private static TokenLogprob token(String text) {
        return token(text, -1);
    }

    private static TokenLogprob token(String text, double logprob) {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        return new TokenLogprob(
                text,
                logprob,
                IntStream.range(0, bytes.length).mapToObj(i -> bytes[i] & 0xFF).toList(),
                List.of());
    }

    private static TokenLogprob part(Integer... bytes) {
        return new TokenLogprob("\ufffd", -1, List.of(bytes), List.of());
    }

    private static TokenLogprob part(int first, char second) {
        return part(first, (int) second);
    }

    private static TokenLogprob part(char only) {
        return part((int) only);
    }

    private static String json(Object value) {
        return new String(OpenAiJson.bytes(value), StandardCharsets.UTF_8);
    }
}
