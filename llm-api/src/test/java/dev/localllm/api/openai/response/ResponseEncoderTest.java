package dev.localllm.api.openai.response;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

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
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.springframework.http.MediaType;

class ResponseEncoderTest {

    private static final String LONG = "a".repeat(600);
    private static final String HEAD =
            "{\"id\":\"resp_1\",\"object\":\"response\",\"created_at\":1,\"status\":\"completed\",\"model\":\"tiny\","
                    + "\"error\":null,\"incomplete_details\":null,\"output\":[";
    private static final String TAIL =
            "],\"usage\":{\"input_tokens\":3,\"input_tokens_details\":{\"cached_tokens\":2,\"cache_write_tokens\":0},"
                    + "\"output_tokens\":4,\"output_tokens_details\":{\"reasoning_tokens\":0},\"total_tokens\":7,"
                    + "\"queue_time\":1.5,\"load_time\":3.25,\"prompt_time\":4.0,\"completion_time\":5.001},"
                    + "\"previous_response_id\":null,\"store\":false,\"truncation\":\"disabled\",\"instructions\":null,"
                    + "\"max_output_tokens\":null,\"parallel_tool_calls\":true,\"reasoning\":{\"effort\":null,\"summary\":null},"
                    + "\"temperature\":null,\"text\":{\"format\":{\"type\":\"text\"}},\"tool_choice\":\"auto\",\"tools\":[],"
                    + "\"top_p\":null,\"user\":null,\"metadata\":{}}";

    private @Nullable String mismatch;
    private final ResponseEncoder encoder =
            new ResponseEncoder(TestAnswers.states("{\"input\":\"Hi\"}", () -> mismatch));

    static Stream<ChatEvent> events() {
        return Stream.of(
                new TextDelta(JsonText.of(LONG)),
                new ThinkingDelta(JsonText.of(LONG)),
                new ToolCallDelta(0, new Part.ToolCall(LONG, "f", "{}")),
                new ToolCallDelta(0, new Part.ToolCall("1", LONG, "{}")),
                new ToolCallDelta(0, new Part.ToolCall("1", "f", "{\"q\":\"" + LONG + "\"}")));
    }

    @ParameterizedTest
    @MethodSource("events")
    void countsItsBytes(ChatEvent event) {
        long first = encoder.add(List.of(event));
        long second = encoder.add(List.of(event));

        assertThat(first).isGreaterThanOrEqualTo(LONG.length());
        assertThat(second).isGreaterThanOrEqualTo(2 * first);
    }

    @Test
    void countsLogprobs() {
        LogprobsDelta logprobs = new LogprobsDelta(List.of(new TokenLogprob(LONG, -1, List.of(), List.of())));

        assertThat(encoder.add(List.of(logprobs, new TextDelta(JsonText.of("a")))))
                .isGreaterThan(LONG.length());
    }

    /** Compares bytes, like {@link EventEncoderTest}. */
    @Test
    void writesAllItems() {
        assertThat(encoder.contentType()).isEqualTo(MediaType.APPLICATION_JSON);
        assertThat(encoded(
                        TestAnswers.end(FinishReason.TOOL_CALLS),
                        new ThinkingDelta(JsonText.of("Hm")),
                        new ThinkingDelta(JsonText.of("m")),
                        new TextDelta(JsonText.of("안녕 ")),
                        new LogprobsDelta(List.of(new TokenLogprob("\"", -1, List.of(34), List.of()))),
                        new TextDelta(JsonText.of("\"")),
                        new ToolCallDelta(0, new Part.ToolCall("call_1", "f", "{\"q\":1}"))))
                .isEqualTo(HEAD
                        + "{\"id\":\"rs_1_0\",\"type\":\"reasoning\",\"status\":\"completed\",\"summary\":["
                        + "{\"type\":\"summary_text\",\"text\":\"Hmm\"}]},"
                        + "{\"id\":\"msg_1_1\",\"type\":\"message\",\"status\":\"completed\",\"role\":\"assistant\",\"content\":["
                        + "{\"type\":\"output_text\",\"text\":\"안녕 \\\"\",\"annotations\":[],\"logprobs\":["
                        + "{\"token\":\"\\\"\",\"logprob\":-1.0,\"bytes\":[34],\"top_logprobs\":[]}]}]},"
                        + "{\"id\":\"fc_1_2\",\"type\":\"function_call\",\"status\":\"completed\",\"call_id\":\"call_1\","
                        + "\"name\":\"f\",\"arguments\":\"{\\\"q\\\":1}\"}" + TAIL);
    }

    @Test
    void writesAnEmptyAnswer() {
        assertThat(encoded(TestAnswers.end(FinishReason.STOP))).isEqualTo(HEAD + TAIL);
    }

    @Test
    void tellsThatAnAnswerIsCut() {
        assertThat(encoded(TestAnswers.end(FinishReason.LENGTH), new TextDelta(JsonText.of("a"))))
                .contains("\"status\":\"incomplete\",\"model\":\"tiny\",\"error\":null,"
                        + "\"incomplete_details\":{\"reason\":\"max_output_tokens\"},\"output\":["
                        + "{\"id\":\"msg_1_0\",\"type\":\"message\",\"status\":\"incomplete\"");
    }

    @Test
    void hasANumberForUnknownTokens() {
        assertThat(encoded(new Finished(FinishReason.STOP, new Usage(3, null, 4), Timings.ZERO)))
                .contains("\"input_tokens_details\":{\"cached_tokens\":0,\"cache_write_tokens\":0}");
    }

    @Test
    void tellsASchemaMismatch() {
        mismatch = "/a: type";

        assertThat(encoded(TestAnswers.end(FinishReason.STOP))).contains("\"schema_mismatch\":\"/a: type\"");
    }

    @Test
    void requiresTheEndOfTheAnswer() {
        encoder.add(List.of(new TextDelta(JsonText.of("a"))));

        assertThatIllegalStateException().isThrownBy(encoder::encode);
    }

    private String encoded(Finished end, ChatEvent... events) {
        encoder.add(List.of(events));
        encoder.add(List.of(end));
        return encoder.encode().stream()
                .map(piece -> StandardCharsets.UTF_8.decode(piece).toString())
                .collect(Collectors.joining());
    }
}
