package dev.localllm.ollama;

import static org.assertj.core.api.Assertions.assertThat;

import dev.localllm.core.chat.ChatEvent;
import dev.localllm.core.chat.ChatEvent.ToolCallDelta;
import dev.localllm.core.chat.Part;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ToolCallsTest {

    private static final String CALL =
            "{\"id\":\"%s\",\"function\":{\"index\":%d,\"name\":\"f\",\"arguments\":{\"a\":1}}}";

    private final List<ChatEvent> events = new ArrayList<>();
    private final ToolCalls calls = new ToolCalls(true);

    @ParameterizedTest
    @ValueSource(ints = {0, 7})
    void numbersCallsWhateverTheirIndex(int index) {
        assertThat(add(calls, CALL.formatted("a", index), CALL.formatted("b", index)))
                .isTrue();
        assertThat(add(calls, CALL.formatted("c", index))).isTrue();

        assertThat(events)
                .containsExactly(
                        new ToolCallDelta(0, new Part.ToolCall("a", "f", "{\"a\":1}")),
                        new ToolCallDelta(1, new Part.ToolCall("b", "f", "{\"a\":1}")),
                        new ToolCallDelta(2, new Part.ToolCall("c", "f", "{\"a\":1}")));
    }

    @Test
    void givesCallsWithoutAnOwnIdANewOne() {
        String noId = "{\"function\":{\"name\":\"f\",\"arguments\":{}}}";

        assertThat(add(calls, noId, CALL.formatted("", 0), CALL.formatted("a", 0), CALL.formatted("a", 0), noId))
                .isTrue();

        List<String> ids = events.stream()
                .map(event -> ((ToolCallDelta) event).call().id())
                .toList();
        assertThat(ids).doesNotHaveDuplicates().hasSize(5);
        assertThat(ids.get(2)).isEqualTo("a");
        assertThat(ids).filteredOn(id -> !id.equals("a")).allMatch(id -> id.matches("call_[0-9a-z]+"));
    }

    @Test
    void dropsCallsAfterTheFirstIfTheyAreNotParallel() {
        ToolCalls one = new ToolCalls(false);
        assertThat(one.any()).isFalse();

        assertThat(add(one, CALL.formatted("a", 0), "{}")).isTrue();
        assertThat(add(one, "{}")).isTrue();

        assertThat(events).hasSize(1);
        assertThat(one.any()).isTrue();
    }

    /** A double would be Infinity, or less exact. */
    @ParameterizedTest
    @ValueSource(strings = {"1E+400", "0.1234567890123456789012", "1.10", "12345678901234567890123"})
    void keepsTheDigitsOfNumbers(String number) {
        assertThat(add(calls, "{\"function\":{\"name\":\"f\",\"arguments\":{\"a\":" + number + "}}}"))
                .isTrue();

        assertThat(((ToolCallDelta) events.getFirst()).call().arguments()).isEqualTo("{\"a\":" + number + "}");
    }

    @ParameterizedTest
    @ValueSource(strings = {"null", "{}", "{\"function\":{}}", "{\"function\":{\"name\":\"\",\"arguments\":{}}}"})
    void refusesCallsWithoutAFunction(String call) {
        assertThat(calls.add(read(CALL.formatted("a", 0), call, CALL.formatted("b", 0)), events))
                .isEqualTo("Ollama sent a tool call without a function.");
        assertThat(events).hasSize(1);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"", ",\"arguments\":null", ",\"arguments\":\"{}\"", ",\"arguments\":[]", ",\"arguments\":1"})
    void refusesArgumentsThatAreNotAnObject(String arguments) {
        assertThat(calls.add(read("{\"function\":{\"name\":\"f\"" + arguments + "}}"), events))
                .isEqualTo("Ollama sent a tool call whose arguments are not a JSON object.");
        assertThat(events).isEmpty();
    }

    /** True if all are valid. */
    private boolean add(ToolCalls to, String... json) {
        return to.add(read(json), events) == null;
    }

    private static List<OllamaWire.ToolCall> read(String... calls) {
        String line = "{\"message\":{\"tool_calls\":[" + String.join(",", calls) + "]}}";
        return OllamaJson.read(line.getBytes(StandardCharsets.UTF_8), OllamaWire.Line.class)
                .message()
                .toolCalls();
    }
}
