package dev.localllm.api;

import static org.assertj.core.api.Assertions.assertThat;

import dev.localllm.ollama.simulator.Fault;
import dev.localllm.ollama.simulator.OllamaSimulator;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;

/** POST /v1/responses on the complete server. */
class ResponsesTest {

    @RegisterExtension
    private static final TestServers SERVERS = new TestServers();

    private static final String PATH = "/v1/responses";
    private static final Pattern EVENT = Pattern.compile("event: (\\S+)\ndata: (.*)\n\n");
    private static final String TOOLS = """
            "tools":[{"type":"function","name":"get_weather","parameters":{"type":"object",
            "properties":{"city":{"type":"string"}},"required":["city"]}},{"type":"function","name":"get_time"}]""";
    private static final String NUMBER =
            "{\"type\":\"object\",\"properties\":{\"n\":{\"type\":\"number\",\"minimum\":5}}}";

    private final OllamaSimulator simulator = SERVERS.simulator();
    private final TestServer server =
            SERVERS.server("--MODEL_THINKING=simulator-thinking=off", "--SYSTEM_PROMPT=Speak like a pirate.");

    // --- text

    @Test
    void answers() throws Exception {
        JsonNode response = ask("\"input\":\"Answer in 3 tokens\",\"metadata\":{\"a\":\"b\"}");

        assertThat(response.path("id").asString()).matches("resp_\\w{32}");
        assertThat(response.path("status").asString()).isEqualTo("completed");
        assertThat(response.path("model").asString()).isEqualTo("simulator:latest");
        assertThat(response.path("store").isBoolean()).isTrue();
        assertThat(response.path("store").asBoolean(true)).isFalse();
        assertThat(response.at("/metadata/a").asString()).isEqualTo("b");
        assertThat(response.path("output")).hasSize(1);
        assertThat(text(response)).isEqualTo("This is a");
        assertThat(response.at("/usage/output_tokens").asInt()).isEqualTo(3);
        assertThat(response.at("/usage/total_tokens").asInt())
                .isEqualTo(response.at("/usage/input_tokens").asInt() + 3);
    }

    @Test
    void streamsTheSameAnswer() throws Exception {
        List<JsonNode> events = stream("\"input\":\"Hello\"");
        JsonNode completed = events.getLast().path("response");

        assertThat(types(events).stream().distinct())
                .containsExactly(
                        "response.created",
                        "response.in_progress",
                        "response.output_item.added",
                        "response.content_part.added",
                        "response.output_text.delta",
                        "response.output_text.done",
                        "response.content_part.done",
                        "response.output_item.done",
                        "response.completed");
        assertThat(deltas(events)).isEqualTo(text(completed)).isEqualTo(text(ask("\"input\":\"Hello\"")));
        assertThat(events.getFirst().at("/response/id")).isEqualTo(completed.path("id"));
        assertThat(completed.path("store").asBoolean(true)).isFalse();
    }

    @Test
    void neverTruncatesTheInput() throws Exception {
        HttpResponse<String> response = server.post(PATH, "{\"input\":\"" + "word ".repeat(9000) + "\"}");

        assertThat(response.statusCode()).isEqualTo(400);
        assertThat(json(response).at("/error/code").asString()).isEqualTo("context_length_exceeded");
        assertThat(json(response).at("/error/param").asString()).isEqualTo("input");
    }

    @Test
    void followsInstructionsWithoutShowingAnyOtherPrompt() throws Exception {
        JsonNode instructed = ask("\"input\":\"Hi\",\"instructions\":\"Be brief.\"");
        HttpResponse<String> response = server.post(PATH, "{\"input\":\"Hi\"}");

        assertThat(instructed.path("instructions").asString()).isEqualTo("Be brief.");
        assertThat(instructed.at("/usage/input_tokens").intValue())
                .as("the instructions reach the model instead of the system prompt")
                .isNotEqualTo(json(response).at("/usage/input_tokens").intValue());
        assertThat(json(response).path("instructions").isNull()).isTrue();
        assertThat(response.body()).doesNotContain("pirate");
    }

    @ParameterizedTest
    @CsvSource({"true", "false"})
    void tellsThatAnAnswerIsCut(boolean streamed) throws Exception {
        String fields = "\"input\":\"Answer in 50 tokens\",\"max_output_tokens\":4";
        List<JsonNode> events = streamed ? stream(fields) : List.of();
        JsonNode response = streamed ? events.getLast().path("response") : ask(fields);

        assertThat(response.path("status").asString()).isEqualTo("incomplete");
        assertThat(response.at("/incomplete_details/reason").asString()).isEqualTo("max_output_tokens");
        assertThat(response.at("/output/0/status").asString()).isEqualTo("incomplete");
        assertThat(response.at("/usage/output_tokens").asInt()).isEqualTo(4);
        if (streamed) {
            assertThat(types(events)).endsWith("response.output_item.done", "response.incomplete");
        }
    }

    // --- tools, thinking, formats

    @ParameterizedTest
    @CsvSource({"true", "false"})
    void callsToolsAndReadsTheirOutputs(boolean streamed) throws Exception {
        String question = "{\"role\":\"user\",\"content\":\"Use get_weather and get_time with city=Paris\"}";
        String fields = "\"model\":\"simulator-thinking\",\"reasoning\":{\"effort\":\"low\"}," + TOOLS + ",\"input\":";
        JsonNode called = response(streamed, fields + "[" + question + "]");

        assertThat(called.path("output")
                        .valueStream()
                        .map(item -> item.path("type").asString()))
                .containsExactly("reasoning", "function_call", "function_call");
        assertThat(called.at("/output/1/arguments").asString()).isEqualTo("{\"city\":\"Paris\"}");

        ArrayNode input = (ArrayNode) JsonMapper.shared().readTree("[" + question + "]");
        input.addAll((ArrayNode) called.path("output"));
        for (JsonNode item : called.path("output")) {
            if (item.path("type").asString().equals("function_call")) {
                input.addObject()
                        .put("type", "function_call_output")
                        .put("call_id", item.path("call_id").asString())
                        .put("output", item.path("name").asString().equals("get_time") ? "noon" : "18");
            }
        }
        JsonNode answered = response(streamed, fields + input);

        assertThat(text(answered)).contains("get_weather said: \"18\"", "get_time said: \"noon\"");
    }

    @Test
    void forcesACall() throws Exception {
        JsonNode response = ask("\"input\":\"Hello city=Rome\"," + TOOLS
                + ",\"tool_choice\":{\"type\":\"function\",\"name\":\"get_weather\"}");

        assertThat(response.path("output")).hasSize(1);
        assertThat(response.at("/output/0/arguments").asString()).contains("\"Rome\"");
    }

    @ParameterizedTest
    @CsvSource({"low, true", "none, false"})
    void thinksOnRequest(String effort, boolean thinks) throws Exception {
        List<JsonNode> events = stream(
                "\"input\":\"Hi\",\"model\":\"simulator-thinking\",\"reasoning\":{\"effort\":\"" + effort + "\"}");

        assertThat(types(events).contains("response.reasoning_summary_text.delta"))
                .isEqualTo(thinks);
        assertThat(events.getLast().at("/response/output/0/type").asString())
                .isEqualTo(thinks ? "reasoning" : "message");
    }

    @Test
    void reportsLogProbabilities() throws Exception {
        JsonNode response = ask("\"input\":\"Answer in 3 tokens\",\"top_logprobs\":2,"
                + "\"include\":[\"message.output_text.logprobs\"]");

        assertThat(response.at("/output/0/content/0/logprobs")).hasSize(3);
        assertThat(response.at("/output/0/content/0/logprobs/0/top_logprobs")).hasSize(2);
    }

    @Test
    void tellsAnAnswerThatDoesNotMatchItsSchema() throws Exception {
        HttpResponse<String> response = server.post(PATH, "{\"input\":\"Hi\"," + format() + "}");

        assertThat(response.headers().firstValue("x-schema-mismatch")).hasValue("/properties/n/minimum");
        assertThat(json(response).path("schema_mismatch").asString()).isEqualTo("/properties/n/minimum");
        assertThat(stream("\"input\":\"Hi\"," + format())
                        .getLast()
                        .at("/response/schema_mismatch")
                        .asString())
                .isEqualTo("/properties/n/minimum");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "{\"type\":\"text\",\"name\":1,\"schema\":\"x\",\"strict\":\"y\"} | {\"type\":\"text\"}",
                "{\"type\":\"json_object\",\"name\":1,\"schema\":null} | {\"type\":\"json_object\"}",
                "{\"type\":\"json_schema\",\"name\":\"n\",\"schema\":{},\"strict\":null} | {\"type\":\"json_schema\",\"name\":\"n\",\"schema\":{}}"
            })
    void repeatsWhatItReadsOfTheFormat(String format, String repeated) throws Exception {
        JsonNode response = ask("\"input\":\"Hi\",\"text\":{\"format\":" + format + "}");

        assertThat(response.at("/text/format")).hasToString(repeated);
    }

    @Test
    void failsACallThatDoesNotMatchItsStrictSchema() throws Exception {
        List<JsonNode> events =
                stream("\"input\":\"Use f\",\"model\":\"simulator-thinking\",\"reasoning\":{\"effort\":\"low\"},"
                        + "\"tools\":[{\"type\":\"function\",\"name\":\"f\",\"strict\":true,\"parameters\":" + NUMBER
                        + "}]");

        assertThat(types(events)).endsWith("response.reasoning_summary_text.delta", "response.failed");
        assertThat(events.getLast().at("/response/error/code").asString()).isEqualTo("schema_not_honoured");
    }

    // --- failures

    @Test
    void failsInMidStreamWithWhatArrived() throws Exception {
        simulator.script(new Fault.SendsError(3));

        List<JsonNode> events = stream("\"input\":\"Hello\"");
        JsonNode failed = events.getLast().path("response");

        assertThat(types(events)).endsWith("response.output_text.delta", "response.failed");
        assertThat(failed.path("status").asString()).isEqualTo("failed");
        assertThat(failed.at("/error/code").asString()).isEqualTo("upstream_failed");
        assertThat(failed.at("/error/message").asString()).contains("(request ");
        assertThat(failed.at("/output/0/status").asString()).isEqualTo("incomplete");
        assertThat(text(failed)).isEqualTo(deltas(events)).isNotEmpty();
        assertThat(failed.path("usage").isNull()).isTrue();
    }

    @ParameterizedTest
    @CsvSource({"true", "false"})
    void failsWithAStatusBeforeTheFirstByte(boolean streamed) throws Exception {
        simulator.script(new Fault.SendsError(0));

        HttpResponse<String> response = server.post(PATH, "{\"input\":\"Hello\",\"stream\":" + streamed + "}");

        assertThat(response.statusCode()).isEqualTo(502);
        assertThat(json(response).at("/error/code").asString()).isEqualTo("upstream_failed");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "input | {}",
                "store | {\"input\":\"Hi\",\"store\":true}",
                "input | {\"input\":[{\"role\":\"user\",\"content\":\"a\"},{\"role\":\"user\",\"content\":\"b\"}]}",
                "text.format | {\"input\":\"Hi\",\"tools\":[{\"type\":\"function\",\"name\":\"f\"}],\"text\":{\"format\":{\"type\":\"json_object\"}}}",
                "model | {\"input\":\"Hi\",\"model\":\"none\"}"
            })
    void namesWhatIsWrong(String field, String body) throws Exception {
        HttpResponse<String> response =
                SERVERS.server("--MAX_PROMPT_MESSAGES=1").post(PATH, body);

        assertThat(response.statusCode()).isBetween(400, 404);
        assertThat(json(response).at("/error/param").asString()).isEqualTo(field);
        assertThat(json(response).at("/error/message").asString()).startsWith(field.equals("model") ? "The" : field);
    }

    @Test
    void keepsASilentStreamAlive() throws Exception {
        simulator.script(new Fault.Pauses(2, Duration.ofMillis(500)));
        try (RawRequest request = streamRaw(SERVERS.server("--HEARTBEAT_INTERVAL=50ms"))) {
            String answer = request.readAll();

            assertThat(answer).contains("response.output_text.delta", "\n: waiting\n\n");
            assertThat(answer.indexOf(": waiting", answer.indexOf("event: response.created")))
                    .isPositive();
            assertThat(answer.lastIndexOf("event: ")).isEqualTo(answer.indexOf("event: response.completed"));
        }
    }

    @Test
    void beginsAResponseThatFailsAfterHeartbeats() throws Exception {
        simulator.script(new Fault.NeverAnswers());
        try (RawRequest request =
                streamRaw(SERVERS.server("--HEARTBEAT_INTERVAL=50ms", "--FIRST_TOKEN_TIMEOUT=500ms"))) {
            String answer = request.readAll();

            assertThat(request.status()).isEqualTo(200);
            assertThat(answer.substring(answer.lastIndexOf(": waiting")))
                    .matches("(?s): waiting\n\n.*event: response.created\n.*event: response.in_progress\n.*"
                            + "event: response.failed\n.*\"code\":\"first_token_timeout\".*");
        }
    }

    private static RawRequest streamRaw(TestServer server) throws Exception {
        return RawRequest.open(server.uri("/"))
                .send(RawRequest.post(PATH, "{\"input\":\"Hello\",\"stream\":true}", "test"));
    }

    private static String format() {
        return "\"text\":{\"format\":{\"type\":\"json_schema\",\"name\":\"n\",\"schema\":" + NUMBER + "}}";
    }

    private JsonNode response(boolean streamed, String fields) throws Exception {
        return streamed ? stream(fields).getLast().path("response") : ask(fields);
    }

    private JsonNode ask(String fields) throws Exception {
        HttpResponse<String> response = server.post(PATH, "{" + fields + "}");
        assertThat(response.statusCode()).as(response.body()).isEqualTo(200);
        return json(response);
    }

    /** The events, whose framing and numbers are checked. */
    private List<JsonNode> stream(String fields) throws Exception {
        HttpResponse<String> response = server.post(PATH, "{\"stream\":true," + fields + "}");
        assertThat(response.statusCode()).as(response.body()).isEqualTo(200);
        assertThat(response.headers().firstValue("content-type")).hasValue("text/event-stream");
        assertThat(response.body()).matches("(?:event: \\S+\ndata: \\{.*\\}\n\n)+");
        List<JsonNode> events = new ArrayList<>();
        Matcher event = EVENT.matcher(response.body());
        while (event.find()) {
            JsonNode data = JsonMapper.shared().readTree(event.group(2));
            assertThat(data.path("type").asString()).isEqualTo(event.group(1));
            assertThat(data.path("sequence_number").asInt(-1)).isEqualTo(events.size());
            events.add(data);
        }
        assertThat(types(events).stream().filter(type -> type.matches("response\\.(completed|incomplete|failed)")))
                .hasSize(1);
        return events;
    }

    private static List<String> types(List<JsonNode> events) {
        return events.stream().map(event -> event.path("type").asString()).toList();
    }

    private static String deltas(List<JsonNode> events) {
        StringBuilder text = new StringBuilder();
        for (JsonNode event : events) {
            if (event.path("type").asString().equals("response.output_text.delta")) {
                text.append(event.path("delta").asString());
            }
        }
        return text.toString();
    }

    private static String text(JsonNode response) {
        JsonNode output = response.path("output");
        return output.path(output.size() - 1).at("/content/0/text").asString();
    }

    private static JsonNode json(HttpResponse<String> response) {
        return JsonMapper.shared().readTree(response.body());
    }
}
