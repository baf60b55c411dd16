package dev.localllm.api;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.http.HttpResponse;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Tools, formats, images, thinking and log probabilities, from the request to the answer. */
class ChatFeaturesTest {

    @RegisterExtension
    private static final TestServers SERVERS = new TestServers();

    private static final String PATH = "/v1/chat/completions";
    private static final String TOOL = """
            {"type":"function","function":{"name":"get_weather","parameters":{"type":"object",
            "properties":{"city":{"type":"string"},"days":{"type":"integer"}},"required":["city"]}}}""";
    private static final String TIME_TOOL = """
            {"type":"function","function":{"name":"get_time","parameters":{"type":"object"}}}""";

    private final TestServer server = SERVERS.server("--MODEL_THINKING=simulator-thinking=off");

    // --- tools

    @Test
    void returnsToolCalls() throws Exception {
        JsonNode choice = ask(
                        "Use get_weather and get_time with city=Paris", "\"tools\":[" + TOOL + "," + TIME_TOOL + "]")
                .at("/choices/0");

        assertThat(choice.path("finish_reason").asString()).isEqualTo("tool_calls");
        assertThat(choice.at("/message/content").isNull()).isTrue();
        assertThat(choice.at("/message/tool_calls")).hasSize(2);
        assertThat(choice.at("/message/tool_calls/0/function/arguments").asString())
                .isEqualTo("{\"city\":\"Paris\",\"days\":1}");
        assertThat(choice.at("/message/tool_calls/1/function/name").asString()).isEqualTo("get_time");
    }

    @Test
    void streamsToolCalls() throws Exception {
        List<JsonNode> chunks =
                stream("Use get_weather and get_time with city=Paris", "\"tools\":[" + TOOL + "," + TIME_TOOL + "]");

        assertThat(chunks).hasSize(4);
        assertThat(chunks.get(1).at("/choices/0/delta/tool_calls/0/index").asInt(-1))
                .isZero();
        assertThat(chunks.get(2).at("/choices/0/delta/tool_calls/0/index").asInt(-1))
                .isEqualTo(1);
        assertThat(chunks.get(2).at("/choices/0/delta/tool_calls/0/id").asString())
                .isNotEqualTo(
                        chunks.get(1).at("/choices/0/delta/tool_calls/0/id").asString());
        assertThat(chunks.get(3).at("/choices/0/finish_reason").asString()).isEqualTo("tool_calls");
    }

    @Test
    void leavesOutFurtherCallsOnRequest() throws Exception {
        JsonNode answer = ask(
                "Use get_weather and get_time",
                "\"parallel_tool_calls\":false,\"tools\":[" + TOOL + "," + TIME_TOOL + "]");

        assertThat(answer.at("/choices/0/message/tool_calls")).hasSize(1);
        assertThat(answer.at("/usage/completion_tokens").asInt()).isPositive();
    }

    @ParameterizedTest
    @ValueSource(strings = {"\"required\"", "{\"type\":\"function\",\"function\":{\"name\":\"get_weather\"}}"})
    void forcesACall(String choice) throws Exception {
        String fields = "\"tools\":[" + TOOL + "],\"tool_choice\":" + choice;
        JsonNode call = ask("Hello city=Rome", fields).at("/choices/0");
        List<JsonNode> chunks = stream("Hello city=Rome", fields);

        assertThat(call.path("finish_reason").asString()).isEqualTo("tool_calls");
        assertThat(call.at("/message/tool_calls/0/function/arguments").asString())
                .contains("\"Rome\"");
        assertThat(chunks).hasSize(3);
        assertThat(chunks.get(1)
                        .at("/choices/0/delta/tool_calls/0/function/arguments")
                        .asString())
                .isEqualTo(call.at("/message/tool_calls/0/function/arguments").asString());
    }

    @Test
    void refusesToRequireOneOfSeveralTools() throws Exception {
        HttpResponse<String> response =
                post("Hi", "\"stream\":true,\"tools\":[" + TOOL + "," + TIME_TOOL + "],\"tool_choice\":\"required\"");

        assertThat(response.statusCode()).isEqualTo(400);
        assertThat(response.body()).contains("\"param\":\"tool_choice\"");
    }

    @Test
    void refusesToolsTogetherWithAFormat() throws Exception {
        HttpResponse<String> response =
                post("Hi", "\"tools\":[" + TOOL + "],\"response_format\":{\"type\":\"json_object\"}");

        assertThat(response.statusCode()).isEqualTo(400);
        assertThat(response.body()).contains("\"param\":\"response_format\"");
    }

    @Test
    void answersAfterTheResults() throws Exception {
        HttpResponse<String> response = server.post(PATH, """
                {"messages":[{"role":"user","content":"Use get_weather"},
                {"role":"assistant","content":null,"tool_calls":[
                {"id":"a","type":"function","function":{"name":"get_weather","arguments":"{}"}},
                {"id":"b","type":"function","function":{"name":"get_time","arguments":""}}]},
                {"role":"tool","tool_call_id":"b","content":"noon"},{"role":"tool","tool_call_id":"a","content":"18"}],
                "tools":[%s,%s]}""".formatted(TOOL, TIME_TOOL));

        assertThat(json(response).at("/choices/0/message/content").asString())
                .contains("get_time said: \"noon\"", "get_weather said: \"18\"");
    }

    @Test
    void failsACallThatDoesNotMatchItsStrictSchema() throws Exception {
        String strict = """
                "tools":[{"type":"function","function":{"name":"f","strict":true,"parameters":{"type":"object",
                "properties":{"n":{"type":"number","minimum":5}}}}}]""";

        HttpResponse<String> response = post("Use f", strict);

        assertThat(response.statusCode()).isEqualTo(502);
        assertThat(response.headers().firstValue("x-should-retry")).hasValue("false");
        assertThat(response.body()).contains("schema_not_honoured", "arguments of f: /properties/n/minimum");
    }

    // --- formats

    @Test
    void answersInJson() throws Exception {
        assertThat(content(ask("Hi", "\"response_format\":{\"type\":\"json_object\"}"))
                        .isObject())
                .isTrue();
        JsonNode person = content(ask("name=Ada", format(true, """
                        {"type":"object","properties":{"name":{"type":"string"},"age":{"type":"integer"}},
                        "required":["name","age"],"additionalProperties":false}""")));

        assertThat(person).isEqualTo(JsonMapper.shared().readTree("{\"name\":\"Ada\",\"age\":1}"));
    }

    @Test
    void tellsAnAnswerThatDoesNotMatch() throws Exception {
        String format =
                format(false, "{\"type\":\"object\",\"properties\":{\"n\":{\"type\":\"number\",\"minimum\":5}}}");
        HttpResponse<String> response = post("Hi", format);
        List<JsonNode> chunks = stream("Hi", format);

        assertThat(response.statusCode()).isEqualTo(200);
        assertThat(response.headers().firstValue("x-schema-mismatch")).hasValue("/properties/n/minimum");
        assertThat(chunks.getLast().at("/choices/0/schema_mismatch").asString()).isEqualTo("/properties/n/minimum");
    }

    @Test
    void refusesToGenerateStrictlyWhatTheGrammarIgnores() throws Exception {
        HttpResponse<String> response = post("Hi", format(true, "{\"uniqueItems\":true}"));

        assertThat(response.statusCode()).isEqualTo(400);
        assertThat(response.body())
                .contains(
                        "\"param\":\"response_format.json_schema.schema\"",
                        "'uniqueItems' can't be generated strictly");
    }

    // --- images, thinking, log probabilities

    @Test
    void passesImagesToModelsThatSupportThem() throws Exception {
        byte[] png = Base64.getDecoder().decode("iVBORw0KGgoAAAANSUhEUgAAAAE=");
        String parts =
                "[{\"type\":\"text\",\"text\":\"what\"},{\"type\":\"image_url\",\"image_url\":{\"detail\":\"low\",\"url\":"
                        + "\"data:image/png;base64," + Base64.getEncoder().encodeToString(png) + "\"}}]";
        String messages = "\"messages\":[{\"role\":\"user\",\"content\":" + parts + "}]}";

        HttpResponse<String> seen = server.post(PATH, "{" + messages);
        HttpResponse<String> blind = server.post(PATH, "{\"model\":\"simulator-2\"," + messages);

        assertThat(seen.body()).contains("I see 1 image (" + png.length + " bytes).");
        assertThat(seen.headers().firstValue("x-ignored-fields")).hasValue("messages[0].content[1].image_url.detail");
        assertThat(blind.statusCode()).isEqualTo(400);
        assertThat(blind.body()).contains("unsupported_by_model");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "\"reasoning_effort\":\"low\" | true",
                "\"chat_template_kwargs\":{\"enable_thinking\":true} | true",
                "\"reasoning_effort\":\"none\" | false",
                "\"seed\":1 | false"
            })
    void thinksOnRequestOrByTheModelsDefault(String field, boolean thinks) throws Exception {
        String fields = "\"model\":\"simulator-thinking\"," + field;
        JsonNode message = ask("Hi", fields).at("/choices/0/message");
        StringBuilder streamed = new StringBuilder();
        for (JsonNode chunk : stream("Hi", fields)) {
            JsonNode delta = chunk.at("/choices/0/delta");
            assertThat(delta.path("reasoning")).isEqualTo(delta.path("reasoning_content"));
            streamed.append(delta.path("reasoning").asString(""));
        }

        assertThat(message.has("reasoning_content")).isEqualTo(thinks);
        assertThat(message.path("reasoning")).isEqualTo(message.path("reasoning_content"));
        assertThat(streamed.toString()).isEqualTo(message.path("reasoning").asString(""));
        assertThat(message.path("content").asString()).isNotEmpty();
    }

    @Test
    void reportsLogProbabilities() throws Exception {
        String fields = "\"logprobs\":true,\"top_logprobs\":2";
        JsonNode choice = ask("Answer in 3 tokens", fields).at("/choices/0");
        List<JsonNode> streamed = new ArrayList<>();
        for (JsonNode chunk : stream("Answer in 3 tokens", fields)) {
            chunk.at("/choices/0/logprobs/content").forEach(streamed::add);
        }

        assertThat(choice.at("/logprobs/content")).hasSize(3).containsExactlyElementsOf(streamed);
        assertThat(choice.at("/logprobs/content/0/token").asString()).isEqualTo("This");
        assertThat(choice.at("/logprobs/content/0/top_logprobs")).isNotEmpty();
        assertThat(choice.at("/message/content").asString()).startsWith("This");
    }

    @Test
    void reportsLogProbabilitiesWithoutAlternatives() throws Exception {
        JsonNode tokens = ask("Answer in 3 tokens", "\"logprobs\":true").at("/choices/0/logprobs/content");

        assertThat(tokens).hasSize(3);
        assertThat(tokens.at("/0/top_logprobs")).isEmpty();
    }

    // --- what is told

    @Test
    void namesIgnoredFieldsInEveryResponse() throws Exception {
        HttpResponse<String> answered = post("Hi", "\"temprature\":1");
        HttpResponse<String> streamed = post("Hi", "\"temprature\":1,\"stream\":true");
        HttpResponse<String> failed = post("Hi", "\"temprature\":1,\"model\":\"none\"");

        assertThat(List.of(answered, streamed, failed))
                .allSatisfy(response -> assertThat(response.headers().firstValue("x-ignored-fields"))
                        .hasValue("temprature"));
        assertThat(post("Hi", "\"seed\":1").headers().firstValue("x-ignored-fields"))
                .isEmpty();
    }

    @Test
    void neverTruncatesThePrompt() throws Exception {
        HttpResponse<String> response =
                server.post(PATH, "{\"messages\":[{\"role\":\"user\",\"content\":\"" + "word ".repeat(9000) + "\"}]}");

        assertThat(response.statusCode()).isEqualTo(400);
        assertThat(json(response).at("/error/code").asString()).isEqualTo("context_length_exceeded");
        assertThat(json(response).at("/error/message").asString())
                .matches(
                        "This model's maximum context length is 8192 tokens\\. However, your messages resulted in \\d{4,5}"
                                + " tokens\\. Please reduce the length of the messages\\.");
    }

    @Test
    void listsWhatModelsCanDo() throws Exception {
        JsonNode models = json(server.get("/v1/models")).path("data");

        assertThat(models.path(0).path("capabilities").toString())
                .isEqualTo("[\"chat\",\"tools\",\"vision\",\"insert\"]");
        assertThat(models.path(0).path("context_length").asInt()).isEqualTo(8192);
        assertThat(json(server.get("/v1/models/simulator-thinking"))
                        .path("capabilities")
                        .toString())
                .isEqualTo("[\"chat\",\"tools\",\"thinking\"]");
    }

    private static String format(boolean strict, String schema) {
        return "\"response_format\":{\"type\":\"json_schema\",\"json_schema\":{\"name\":\"n\",\"strict\":" + strict
                + ",\"schema\":" + schema + "}}";
    }

    private static JsonNode content(JsonNode answer) {
        return JsonMapper.shared()
                .readTree(answer.at("/choices/0/message/content").asString());
    }

    private JsonNode ask(String question, String fields) throws Exception {
        HttpResponse<String> response = post(question, fields);
        assertThat(response.statusCode()).as(response.body()).isEqualTo(200);
        return json(response);
    }

    private List<JsonNode> stream(String question, String fields) throws Exception {
        HttpResponse<String> response = post(question, "\"stream\":true," + fields);
        assertThat(response.body()).endsWith("data: [DONE]\n\n");
        return response.body()
                .lines()
                .filter(line -> line.startsWith("data: {"))
                .map(line -> JsonMapper.shared().readTree(line.substring("data: ".length())))
                .toList();
    }

    private HttpResponse<String> post(String question, String fields) throws Exception {
        return server.post(
                PATH, "{\"messages\":[{\"role\":\"user\",\"content\":\"" + question + "\"}]," + fields + "}");
    }

    private static JsonNode json(HttpResponse<String> response) {
        return JsonMapper.shared().readTree(response.body());
    }
}
