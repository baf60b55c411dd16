package dev.localllm.api.openai.completion;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import dev.localllm.api.FakeQueued;
import dev.localllm.api.openai.CompletionMetadata;
import dev.localllm.core.catalog.ModelId;
import dev.localllm.core.chat.ChatEvent;
import dev.localllm.core.chat.ChatEvent.Finished;
import dev.localllm.core.chat.ChatEvent.LogprobsDelta;
import dev.localllm.core.chat.ChatEvent.TextDelta;
import dev.localllm.core.chat.ChatEvent.ThinkingDelta;
import dev.localllm.core.chat.ChatEvent.ToolCallDelta;
import dev.localllm.core.chat.FinishReason;
import dev.localllm.core.chat.JsonText;
import dev.localllm.core.chat.Part;
import dev.localllm.core.chat.Timings;
import dev.localllm.core.chat.TokenLogprob;
import dev.localllm.core.chat.Usage;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.springframework.http.MediaType;

/** Compares bytes, like {@link TextChunkEncoderTest}. */
class TextCompletionEncoderTest {

    private static final String HEAD =
            "{\"id\":\"cmpl-1\",\"object\":\"text_completion\",\"created\":1,\"model\":\"tiny\",\"choices\":[{\"text\":";
    private static final String TAIL = ",\"finish_reason\":\"length\"}],\"usage\":{\"prompt_tokens\":3,"
            + "\"completion_tokens\":4,\"total_tokens\":7,\"queue_time\":1.5,\"load_time\":0.25,\"prompt_time\":0.0,"
            + "\"completion_time\":0.0}}";
    private static final ChatEvent THOUGHT = new ThinkingDelta(JsonText.of("hm"));

    @Test
    void writesTheText() {
        assertThat(encoded(null, THOUGHT, delta("안녕 \""), call(), delta("\n")))
                .isEqualTo(HEAD + "\"안녕 \\\"\\u000a\",\"index\":0,\"logprobs\":null" + TAIL);
        assertThat(encoded(null)).isEqualTo(HEAD + "\"\",\"index\":0,\"logprobs\":null" + TAIL);
    }

    @Test
    void joinsTheLogprobsOfAllTokens() {
        assertThat(encoded(
                        new TextLogprobs("ab"), logprobs("a", "b"), delta("ab"), delta("c"), logprobs("d"), delta("d")))
                .isEqualTo(HEAD + "\"abcd\",\"index\":0,\"logprobs\":{\"tokens\":[\"a\",\"b\",\"d\"],"
                        + "\"token_logprobs\":[-1.0,-1.0,-1.0],"
                        + "\"top_logprobs\":[{\"a\":-1.0},{\"b\":-1.0},{\"d\":-1.0}],\"text_offset\":[2,3,5]}" + TAIL);
    }

    @Test
    void writesNoLogprobsIfThereAreNoneOrNobodyWantsThem() {
        String expected = HEAD + "\"a\",\"index\":0,\"logprobs\":null" + TAIL;

        assertThat(encoded(null, logprobs("a"), delta("a"))).isEqualTo(expected);
        assertThat(encoded(new TextLogprobs(""), delta("a"))).isEqualTo(expected);
    }

    @Test
    void countsItsBytes() {
        TextCompletionEncoder encoder = encoder(new TextLogprobs(""));

        assertThat(encoder.add(List.of(THOUGHT, call()))).isZero();
        assertThat(encoder.add(List.of(delta("안녕")))).isEqualTo(6);
        assertThat(encoder.add(List.of(logprobs("a"))))
                .isEqualTo(6 + "\"a\"".length() + "-1.0".length() + "{\"a\":-1.0}".length() + "2".length());
        assertThat(encoder.add(List.of(logprobs("a"))))
                .isEqualTo(6
                        + "\"a\",\"a\"".length()
                        + "-1.0,-1.0".length()
                        + "{\"a\":-1.0},{\"a\":-1.0}".length()
                        + "2,2".length());
    }

    @Test
    void requiresTheEnd() {
        TextCompletionEncoder encoder = encoder(null);
        encoder.add(List.of(delta("a")));

        assertThatIllegalStateException().isThrownBy(encoder::encode);
        assertThat(encoder.contentType()).isEqualTo(MediaType.APPLICATION_JSON);
    }

    private static String encoded(@Nullable TextLogprobs logprobs, ChatEvent... events) {
        TextCompletionEncoder encoder = encoder(logprobs);
        encoder.add(List.of(events));
        encoder.add(List.of(new Finished(FinishReason.LENGTH, new Usage(3, null, 4), Timings.ZERO)));
        return encoder.encode().stream()
                .map(piece -> StandardCharsets.UTF_8.decode(piece).toString())
                .collect(Collectors.joining());
    }

    private static TextCompletionEncoder encoder(@Nullable TextLogprobs logprobs) {
        return new TextCompletionEncoder(
                new CompletionMetadata("cmpl-1", 1, new ModelId("tiny")), new FakeQueued(), logprobs);
    }

    private static ChatEvent delta(String text) {
        return new TextDelta(JsonText.of(text));
    }

    private static ChatEvent call() {
        return new ToolCallDelta(0, new Part.ToolCall("call_1", "search", "{}"));
    }

    /** Of tokens of one byte. */
    private static ChatEvent logprobs(String... tokens) {
        return new LogprobsDelta(List.of(tokens).stream()
                .map(token -> new TokenLogprob(token, -1, List.of((int) token.charAt(0)), List.of()))
                .toList());
    }
}
