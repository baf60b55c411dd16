package dev.localllm.api.openai.chat;

import static org.assertj.core.api.Assertions.assertThat;

import dev.localllm.api.FakeQueued;
import dev.localllm.api.openai.CompletionMetadata;
import dev.localllm.core.catalog.ModelId;
import dev.localllm.core.chat.ChatEvent;
import dev.localllm.core.chat.ChatEvent.Finished;
import dev.localllm.core.chat.ChatEvent.TextDelta;
import dev.localllm.core.chat.ChatEvent.ThinkingDelta;
import dev.localllm.core.chat.ChatEvent.ToolCallDelta;
import dev.localllm.core.chat.FinishReason;
import dev.localllm.core.chat.JsonText;
import dev.localllm.core.chat.Part;
import dev.localllm.core.chat.Timings;
import dev.localllm.core.chat.Usage;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class CompletionEncoderTest {

    private static final String LONG = "a".repeat(600);

    private static final String HEAD =
            "{\"id\":\"chatcmpl-1\",\"object\":\"chat.completion\",\"created\":1,\"model\":\"tiny\",\"choices\":"
                    + "[{\"index\":0,\"message\":{\"role\":\"assistant\",\"content\":";
    private static final String TAIL = ",\"refusal\":null},\"logprobs\":null,\"finish_reason\":\"stop\"}],"
            + "\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":4,\"total_tokens\":7,"
            + "\"queue_time\":1.5,\"load_time\":0.25,\"prompt_time\":0.0,\"completion_time\":0.0}}";

    static Stream<ChatEvent> events() {
        return Stream.of(
                new TextDelta(JsonText.of(LONG)),
                new ThinkingDelta(JsonText.of(LONG)),
                new ToolCallDelta(0, new Part.ToolCall("call_1", "search", "{\"q\":\"" + LONG + "\"}")));
    }

    @ParameterizedTest
    @MethodSource("events")
    void countsItsBytes(ChatEvent event) {
        CompletionEncoder encoder = encoder();

        long first = encoder.add(List.of(event));
        long second = encoder.add(List.of(event));

        assertThat(first).isGreaterThanOrEqualTo(LONG.length());
        assertThat(second).isGreaterThanOrEqualTo(2 * first);
    }

    /** Compares bytes, like {@link ChunkEncoderTest}. */
    @Test
    void writesAllParts() {
        assertThat(encoded(
                        new ThinkingDelta(JsonText.of("hm")),
                        new TextDelta(JsonText.of("안녕 \"")),
                        new ToolCallDelta(0, new Part.ToolCall("call_1", "search", "{}")),
                        new ToolCallDelta(1, new Part.ToolCall("call_2", "find", "{}"))))
                .isEqualTo(HEAD + "\"안녕 \\\"\",\"reasoning_content\":\"hm\",\"reasoning\":\"hm\",\"tool_calls\":["
                        + "{\"id\":\"call_1\",\"type\":\"function\",\"function\":{\"name\":\"search\",\"arguments\":\"{}\"}},"
                        + "{\"id\":\"call_2\",\"type\":\"function\",\"function\":{\"name\":\"find\",\"arguments\":\"{}\"}}]"
                        + TAIL);
    }

    @Test
    void leavesOutMissingParts() {
        assertThat(encoded(new TextDelta(JsonText.of("a")))).isEqualTo(HEAD + "\"a\"" + TAIL);
        assertThat(encoded()).isEqualTo(HEAD + "\"\"" + TAIL);
        assertThat(encoded(new ToolCallDelta(0, new Part.ToolCall("1", "f", "{}"))))
                .isEqualTo(HEAD + "null,\"tool_calls\":[{\"id\":\"1\",\"type\":\"function\",\"function\":"
                        + "{\"name\":\"f\",\"arguments\":\"{}\"}}]" + TAIL);
    }

    private static String encoded(ChatEvent... events) {
        CompletionEncoder encoder = encoder();
        encoder.add(List.of(events));
        encoder.add(List.of(new Finished(FinishReason.STOP, new Usage(3, null, 4), Timings.ZERO)));
        return encoder.encode().stream()
                .map(piece -> StandardCharsets.UTF_8.decode(piece).toString())
                .collect(Collectors.joining());
    }

    private static CompletionEncoder encoder() {
        return new CompletionEncoder(new CompletionMetadata("chatcmpl-1", 1, new ModelId("tiny")), new FakeQueued());
    }
}
