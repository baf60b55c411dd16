package dev.localllm.ollama.simulator;

import static org.assertj.core.api.Assertions.assertThat;

import dev.localllm.ollama.simulator.SimulatorWire.ToolCall;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

class ToolCallsTest {

    private static final JsonNode TOOLS = JsonMapper.shared().readTree("""
                    [{"type":"function","function":{"name":"get_weather","parameters":
                        {"type":"object","properties":{"city":{"type":"string"}}}}},
                     {"type":"function","function":{"name":"get-time"}},
                     {"type":"function"}]""");

    private static final String CALLED = """
            {"role":"assistant","content":"","tool_calls":[
              {"id":"1","function":{"name":"get_weather","arguments":{}}},{"id":"2","function":{"name":"get-time"}}]},
            {"role":"tool","tool_name":"get_weather","content":"18"},
            {"role":"tool","tool_call_id":"2","content":"12:30"}""";

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
                    Call get_weather.            | get_weather
                    get-time, then get_weather   | get-time get_weather
                    get_weather를 불러 주세요         | get_weather
                    get_weather and get_weather  | get_weather
                    forget_weather, get_weather2 |
                    get-time-zone                |
                    Hello                        |
                    get_weather 0 times          |
                    """)
    void callsTheNamedTools(String question, String names) {
        assertThat(names(next(user(question)))).isEqualTo(names == null ? "" : names);
    }

    @Test
    void takesArgumentsFromTheQuestion() {
        assertThat(next(user("get_weather with city=Paris"))
                        .getFirst()
                        .function()
                        .arguments())
                .hasToString("{\"city\":\"Paris\"}");
    }

    @Test
    void numbersTheCallsAndGivesThemIds() {
        List<ToolCall> calls = next(user("get_weather and get-time"));

        assertThat(calls).extracting(call -> call.function().index()).containsExactly(0, 1);
        assertThat(calls)
                .extracting(ToolCall::id)
                .doesNotHaveDuplicates()
                .allMatch(id -> id.matches("call_[a-z0-9]{8}"));
        assertThat(next(user("get_weather and get-time"))).isEqualTo(calls);
        assertThat(ToolCalls.next(conversation(user("get_weather and get-time")), TOOLS, 1))
                .extracting(ToolCall::id)
                .doesNotContainAnyElementsOf(calls.stream().map(ToolCall::id).toList());
    }

    @Test
    void callsAgainAsOftenAsItIsAsked() {
        String twice = user("get_weather and get-time 2 times");

        List<ToolCall> first = next(twice);
        List<ToolCall> second = next(twice + "," + CALLED);

        assertThat(names(second)).isEqualTo(names(first)).isEqualTo("get_weather get-time");
        assertThat(second.getFirst().id()).isNotEqualTo(first.getFirst().id());
        assertThat(next(twice + "," + CALLED + "," + CALLED)).isEmpty();
    }

    @Test
    void countsTurnsSinceTheLastQuestion() {
        String earlier = user("get_weather") + "," + CALLED + ",{\"role\":\"assistant\",\"content\":\"It is 18.\"},";

        assertThat(names(next(earlier + user("get_weather again")))).isEqualTo("get_weather");
        assertThat(next(earlier + user("Thanks"))).isEmpty();
    }

    @Test
    void callsNothingIfItWasNotAsked() {
        assertThat(next(user("get_weather") + ",{\"role\":\"assistant\",\"content\":\"No.\"}"))
                .isEmpty();
        assertThat(ToolCalls.next(
                        conversation(user("get_weather")), JsonMapper.shared().readTree("[]"), 0))
                .isEmpty();
    }

    @Test
    void reportsTheLastResults() {
        assertThat(ToolCalls.report(conversation(user("get_weather") + "," + CALLED)))
                .isEqualTo("The tool get_weather said: \"18\". The tool get-time said: \"12:30\".");
        assertThat(ToolCalls.report(
                        conversation(user("get_weather 2 times") + "," + CALLED + "," + CALLED.replace("18", "19"))))
                .isEqualTo("The tool get_weather said: \"19\". The tool get-time said: \"12:30\".");
    }

    private static List<ToolCall> next(String messages) {
        return ToolCalls.next(conversation(messages), TOOLS, 0);
    }

    private static String names(List<ToolCall> calls) {
        return String.join(
                " ", calls.stream().map(call -> call.function().name()).toList());
    }

    private static String user(String text) {
        return "{\"role\":\"user\",\"content\":\"" + text + "\"}";
    }

    private static Conversation conversation(String messages) {
        return new Conversation(Message.chat(JsonMapper.shared().readTree("{\"messages\":[" + messages + "]}")));
    }
}
