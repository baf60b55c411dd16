package dev.localllm.ollama;

import static org.assertj.core.api.Assertions.assertThat;

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
import dev.localllm.core.failure.LlmFailure.SchemaNotHonoured;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ForcedCallTest {

    private static final Usage USAGE = new Usage(3, 1, 5);
    private static final Timings TIMINGS = new Timings(Duration.ofNanos(1), Duration.ofNanos(2), Duration.ofNanos(3));
    private static final SchemaNotHonoured NO_OBJECT =
            new SchemaNotHonoured("arguments of get_weather: not a JSON object");
    private static final int LIMIT = 1 << 20;

    private final ForcedCall forced = new ForcedCall("get_weather");

    @Test
    void makesACallOfTheText() {
        assertThat(replace(text("{\"city\":"))).isEmpty();
        assertThat(replace(text(" \"Paris\"}"))).isEmpty();
        List<ChatEvent> events = replace(finished(FinishReason.STOP));

        assertThat(events.getFirst()).isInstanceOfSatisfying(ToolCallDelta.class, delta -> {
            assertThat(delta.index()).isZero();
            assertThat(delta.call().id()).matches("call_[0-9a-z]+");
            assertThat(delta.call().function()).isEqualTo("get_weather");
            assertThat(delta.call().arguments()).isEqualTo("{\"city\":\"Paris\"}");
        });
        assertThat(events.subList(1, events.size()))
                .containsExactly(new Finished(FinishReason.TOOL_CALLS, USAGE, TIMINGS));
        assertThat(forced.failure()).isNull();
    }

    @Test
    void passesTheThinkingOn() {
        ChatEvent thinking = new ThinkingDelta(JsonText.of("hm"));

        assertThat(replace(thinking, text("{}"))).containsExactly(thinking);
    }

    @Test
    void dropsLogProbabilitiesAndCallsOfOllama() {
        assertThat(replace(
                        new LogprobsDelta(List.of(new TokenLogprob("{", -1, List.of(123), List.of()))),
                        new ToolCallDelta(0, new Part.ToolCall("call_1", "get_time", "{}")),
                        text("{}")))
                .isEmpty();
        assertThat(arguments(replace(finished(FinishReason.STOP)))).containsExactly("{}");
    }

    @Test
    void givesEveryCallAnId() {
        assertThat(CallIds.next()).isNotEqualTo(CallIds.next());
    }

    @Test
    void joinsACharacterThatTwoDeltasShare() {
        replace(escaped("{\\\"city\\\":\\\"\\ud83d"), escaped("\\ude42\\\"}"));

        assertThat(arguments(replace(finished(FinishReason.STOP)))).containsExactly("{\"city\":\"🙂\"}");
    }

    /** Numbers keep all their digits. */
    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "{ \"a\" : 0.10 } | {\"a\":0.10}",
                "{\"a\": 12345678901234567890.12345678901234567890} | {\"a\":12345678901234567890.12345678901234567890}",
                "{\"a\":1e999} | {\"a\":1E+999}"
            })
    void writesTheArgumentsCompactly(String text, String arguments) {
        replace(text("\n" + text + "\n"));

        assertThat(arguments(replace(finished(FinishReason.STOP)))).containsExactly(arguments);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"", " ", "{", "[]", "null", "\"{}\"", "{} {}", "```json\n{}\n```", "{'a':1}", "{\"a\":NaN}"})
    void failsIfACompleteTextIsNoObject(String text) {
        if (!text.isEmpty()) {
            replace(text(text));
        }

        assertThat(replace(finished(FinishReason.STOP))).isEmpty();
        assertThat(forced.failure()).isEqualTo(NO_OBJECT);
    }

    @ParameterizedTest
    @ValueSource(strings = {"{\"city\":\"Par", "[1]"})
    void givesNoCallIfTheTokenLimitHasCutTheText(String text) {
        replace(text(text));

        assertThat(replace(finished(FinishReason.LENGTH))).containsExactly(finished(FinishReason.LENGTH));
        assertThat(forced.failure()).isNull();
    }

    @Test
    void givesTheCallIfTheTokenLimitCameAfterTheText() {
        replace(text("{}"));

        assertThat(replace(finished(FinishReason.LENGTH)).getLast())
                .isEqualTo(new Finished(FinishReason.TOOL_CALLS, USAGE, TIMINGS));
    }

    @ParameterizedTest
    @CsvSource({"0,", "1, arguments of get_weather: more than 1048576 bytes"})
    void collectsUpToAMebibyte(int more, @Nullable String detail) {
        replace(text("{}"), text(" ".repeat(LIMIT - 2 + more)));

        assertThat(forced.failure()).isEqualTo(detail == null ? null : new SchemaNotHonoured(detail));
        assertThat(replace(finished(FinishReason.STOP))).hasSize(detail == null ? 2 : 0);
        assertThat(forced.failure()).isEqualTo(detail == null ? null : new SchemaNotHonoured(detail));
    }

    private List<ChatEvent> replace(ChatEvent... events) {
        return forced.replace(List.of(events));
    }

    private static List<String> arguments(List<ChatEvent> events) {
        List<String> arguments = new ArrayList<>();
        for (ChatEvent event : events) {
            if (event instanceof ToolCallDelta delta) {
                arguments.add(delta.call().arguments());
            }
        }
        return arguments;
    }

    private static TextDelta text(String text) {
        return new TextDelta(JsonText.of(text));
    }

    private static TextDelta escaped(String text) {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        return new TextDelta(JsonText.ofEscaped(bytes, 0, bytes.length));
    }

    private static Finished finished(FinishReason reason) {
        return new Finished(reason, USAGE, TIMINGS);
    }
}
