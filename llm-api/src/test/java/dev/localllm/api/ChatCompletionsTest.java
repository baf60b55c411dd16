package dev.localllm.api;

import static org.assertj.core.api.Assertions.assertThat;

import dev.localllm.ollama.simulator.Fault;
import dev.localllm.ollama.simulator.OllamaSimulator;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Tests the wire directly, because a client library would tolerate errors. */
class ChatCompletionsTest {

    private static final String PATH = "/v1/chat/completions";
    private static final String MESSAGES = "\"messages\":[{\"role\":\"user\",\"content\":\"Hi\"}]";

    @RegisterExtension
    static final TestServers SERVERS = new TestServers();

    private final OllamaSimulator simulator = SERVERS.simulator();
    private final TestServer server = SERVERS.server(
            "--SYSTEM_PROMPT=Be kind.",
            "--MAX_PROMPT_MESSAGES=3",
            "--MAX_PROMPT_CHARACTERS=1000",
            "--MAX_BODY_SIZE=8KB");

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "temperature | {\"temperature\":\"hot\",MESSAGES}",
                "temperature | {\"temperature\":2.1,MESSAGES}",
                "top_p | {\"top_p\":-0.1,MESSAGES}",
                "max_tokens | {\"max_tokens\":0,MESSAGES}",
                "max_completion_tokens | {\"max_completion_tokens\":1.5,MESSAGES}",
                "stop | {\"stop\":5,MESSAGES}",
                "stop | {\"stop\":\"\",MESSAGES}",
                "stop | {\"stop\":[\"\"],MESSAGES}",
                "stop | {\"stop\":[\"a\",\"b\",\"c\",\"d\",\"e\"],MESSAGES}",
                "seed | {\"seed\":\"x\",MESSAGES}",
                "frequency_penalty | {\"frequency_penalty\":3,MESSAGES}",
                "presence_penalty | {\"presence_penalty\":true,MESSAGES}",
                "stream | {\"stream\":\"yes\",MESSAGES}",
                "stream_options | {\"stream_options\":{\"include_usage\":true},MESSAGES}",
                "model | {\"model\":5,MESSAGES}",
                "model | {\"model\":\"\",MESSAGES}",
                "tools[0].function | {\"tools\":[{\"type\":\"function\"}],MESSAGES}",
                "tool_choice | {\"tool_choice\":\"required\",MESSAGES}",
                "response_format.type | {\"response_format\":{\"type\":\"xml\"},MESSAGES}",
                "top_logprobs | {\"top_logprobs\":2,MESSAGES}",
                "logit_bias | {\"logit_bias\":{\"1\":1},MESSAGES}",
                "n | {\"n\":2,MESSAGES}",
                "reasoning_effort | {\"reasoning_effort\":\"some\",MESSAGES}",
                "keep_alive | {\"keep_alive\":0,MESSAGES}",
                "messages | {}",
                "messages | {\"messages\":[]}",
                "messages | {\"messages\":\"Hi\"}",
                "messages[0] | {\"messages\":[\"Hi\"]}",
                "messages[0].role | {\"messages\":[{\"content\":\"Hi\"}]}",
                "messages[0].tool_call_id | {\"messages\":[{\"role\":\"tool\",\"content\":\"Hi\"}]}",
                "messages[0].content | {\"messages\":[{\"role\":\"user\"}]}",
                "messages[0].content | {\"messages\":[{\"role\":\"user\",\"content\":5}]}",
                "messages[0].content[0].type | {\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"file\"}]}]}"
            })
    void refusesUnsupportedFieldsByName(String field, String body) throws Exception {
        int chats = simulator.chats();

        HttpResponse<String> response = server.post(PATH, body.replace("MESSAGES", MESSAGES));

        assertThat(response.statusCode()).isEqualTo(400);
        assertThat(error(response).path("type").asString()).isEqualTo("invalid_request_error");
        assertThat(error(response).path("param").asString("")).isEqualTo(field);
        assertThat(error(response).path("message").asString()).startsWith(field + ":");
        assertThat(simulator.chats()).isEqualTo(chats);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {"{\"messages\":", "[]", "5", "{} {}", "{\"a\":1,\"a\":2}", "nonsense"})
    void refusesBodiesThatAreNotAJsonObject(String body) throws Exception {
        HttpResponse<String> response = server.post(PATH, body);

        assertThat(response.statusCode()).isEqualTo(400);
        assertThat(error(response).path("message").asString()).contains("JSON");
    }

    /** Invalid UTF-8: overlong, beyond U+10FFFF, a surrogate, truncated. */
    @ParameterizedTest
    @ValueSource(strings = {"C0AF", "E080AF", "F4908080", "EDA080", "E381", "FF"})
    void refusesBodiesThatAreNotUtf8(String hex) throws Exception {
        String text = new String(HexFormat.of().parseHex(hex), StandardCharsets.ISO_8859_1);
        String body = "{\"messages\":[{\"role\":\"user\",\"content\":\"" + text + "\"}]}";

        HttpResponse<String> response = server.send(HttpRequest.newBuilder(server.uri(PATH))
                .header("Content-Type", "application/json")
                .POST(HttpRequest.BodyPublishers.ofString(body, StandardCharsets.ISO_8859_1)));

        assertThat(response.statusCode()).isEqualTo(400);
        assertThat(error(response).path("message").asString()).contains("UTF-8");
    }

    @Test
    void refusesAnEmptyBody() throws Exception {
        assertThat(server.post(PATH, "").statusCode()).isEqualTo(400);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "\"user\":\"me\",\"metadata\":{\"a\":\"b\"},\"store\":false",
                "\"n\":1,\"logprobs\":false,\"tools\":[],\"logit_bias\":{},\"tool_choice\":\"none\"",
                "\"response_format\":{\"type\":\"text\"},\"modalities\":[\"text\"]",
                "\"temperature\":null,\"stop\":null,\"tools\":null,\"stream_options\":null",
                "\"stop\":[\"a\",\"b\"],\"seed\":-1,\"top_p\":1,\"max_tokens\":5,\"max_completion_tokens\":7"
            })
    void acceptsNeutralFields(String fields) throws Exception {
        assertThat(server.post(PATH, "{" + fields + "," + MESSAGES + "}").statusCode())
                .isEqualTo(200);
    }

    @Test
    void joinsTextParts() throws Exception {
        String parts = "[{\"type\":\"text\",\"text\":\"good \"},{\"type\":\"text\",\"text\":\"morning\"}]";

        HttpResponse<String> response =
                server.post(PATH, "{\"messages\":[{\"role\":\"user\",\"content\":" + parts + "}]}");

        assertThat(JsonMapper.shared()
                        .readTree(response.body())
                        .at("/choices/0/message/content")
                        .asString())
                .contains("\"good morning\"");
    }

    @Test
    void enforcesThePromptLimits() throws Exception {
        String message = "{\"role\":\"user\",\"content\":\"Hi\"}";
        HttpResponse<String> tooMany =
                server.post(PATH, "{\"messages\":[" + String.join(",", message, message, message, message) + "]}");
        HttpResponse<String> tooLong =
                server.post(PATH, "{\"messages\":[{\"role\":\"user\",\"content\":\"" + "x".repeat(1001) + "\"}]}");

        assertThat(tooMany.statusCode()).isEqualTo(400);
        assertThat(error(tooMany).path("message").asString()).isEqualTo("messages: 4 messages (expected: at most 3)");
        assertThat(tooLong.statusCode()).isEqualTo(400);
    }

    @Test
    void refusesABodyThatIsTooLarge() throws Exception {
        HttpResponse<String> response = server.post(PATH, "{\"user\":\"" + "x".repeat(10_000) + "\"," + MESSAGES + "}");

        assertThat(response.statusCode()).isEqualTo(413);
        assertThat(error(response).path("message").asString()).contains("MAX_BODY_SIZE");
    }

    @Test
    void refusesAnotherContentTypeMethodOrPath() throws Exception {
        HttpRequest.Builder form = HttpRequest.newBuilder(server.uri(PATH))
                .header("Content-Type", "application/x-www-form-urlencoded")
                .POST(HttpRequest.BodyPublishers.ofString("a=b"));
        assertRefused(
                server.send(form), 415, "Content-Type: application/x-www-form-urlencoded (expected: application/json)");
        assertRefused(server.get(PATH), 405, "GET is not allowed here (expected: [POST]).");
        HttpRequest.Builder put = HttpRequest.newBuilder(server.uri(PATH))
                .header("Content-Type", "application/json")
                .PUT(HttpRequest.BodyPublishers.ofString("{" + MESSAGES + "}"));
        assertRefused(server.send(put), 405, "PUT is not allowed here (expected: [POST]).");
        assertRefused(server.get("/v1/nope"), 404, "There is no GET /v1/nope.");
        assertRefused(server.get("/api/pull"), 404, "There is no GET /api/pull.");
    }

    /** Requests that need Spring's search for a route. */
    @ParameterizedTest
    @CsvSource({
        "/v1/chat/completions, application/json; charset=utf-8",
        "/v1/chat/completions, APPLICATION/JSON",
        "/v1/chat/%63ompletions, application/json"
    })
    void servesAnotherSpellingOfContentTypeOrPath(String path, String contentType) throws Exception {
        HttpRequest.Builder request = HttpRequest.newBuilder(server.uri(path))
                .header("Content-Type", contentType)
                .POST(HttpRequest.BodyPublishers.ofString("{" + MESSAGES + "}"));

        assertThat(server.send(request).statusCode()).isEqualTo(200);
    }

    private static void assertRefused(HttpResponse<String> response, int status, String message) {
        assertThat(response.statusCode()).isEqualTo(status);
        assertThat(error(response).path("type").asString()).isEqualTo("invalid_request_error");
        assertThat(error(response).path("message").asString()).isEqualTo(message);
    }

    /** Successful requests between the faults, to keep the model's circuit closed. */
    private void keepCircuitClosed() throws Exception {
        for (int i = 0; i < 3; i++) {
            assertThat(server.post(PATH, "{" + MESSAGES + "}").statusCode()).isEqualTo(200);
        }
    }

    static Stream<Arguments> faults() {
        return Stream.of(
                Arguments.of(new Fault.Refuses(404, "model 'x' not found"), 404, "model_not_found"),
                Arguments.of(new Fault.Refuses(400, "\"x\" does not support chat"), 400, "unsupported_by_model"),
                Arguments.of(
                        new Fault.Refuses(400, "the prompt is longer than the context length currently available"),
                        400,
                        "context_length_exceeded"),
                Arguments.of(new Fault.Refuses(500, "runner died"), 502, "upstream_failed"),
                Arguments.of(new Fault.Refuses(503, "server busy"), 503, "upstream_unavailable"),
                Arguments.of(new Fault.SendsGarbage(0), 502, "upstream_protocol_error"),
                Arguments.of(new Fault.EndsEarly(0), 502, "upstream_protocol_error"),
                Arguments.of(new Fault.SendsError(0), 502, "upstream_failed"));
    }

    @ParameterizedTest
    @MethodSource("faults")
    void sendsAFailureBeforeTheFirstByteAsStatus(Fault fault, int status, String code) throws Exception {
        keepCircuitClosed();
        for (boolean stream : new boolean[] {true, false}) {
            simulator.script(fault);
            HttpResponse<String> response = server.post(PATH, "{\"stream\":" + stream + "," + MESSAGES + "}");

            assertThat(response.statusCode()).isEqualTo(status);
            assertThat(response.headers().firstValue("content-type")).contains("application/json");
            assertThat(error(response).path("code").asString()).isEqualTo(code);
            assertThat(response.headers().firstValue("retry-after").isPresent()).isEqualTo(status == 503);
        }
    }

    static Stream<Arguments> midStreamFaults() {
        return Stream.of(
                Arguments.of(new Fault.SendsError(2), "upstream_failed"),
                Arguments.of(new Fault.SendsGarbage(2), "upstream_protocol_error"),
                Arguments.of(new Fault.EndsEarly(2), "upstream_protocol_error"),
                Arguments.of(new Fault.Drops(2), "upstream_protocol_error"),
                Arguments.of(new Fault.CutsLine(2), "upstream_protocol_error"));
    }

    @ParameterizedTest
    @MethodSource("midStreamFaults")
    void sendsALaterFailureAsOneFrameAndEnds(Fault fault, String code) throws Exception {
        keepCircuitClosed();
        simulator.script(fault);

        HttpResponse<String> response = server.post(PATH, "{\"stream\":true," + MESSAGES + "}");

        assertThat(response.statusCode()).isEqualTo(200);
        assertThat(response.body())
                .doesNotContain("[DONE]")
                .doesNotContain("\"error\":null")
                .doesNotContain("id: ");
        String[] frames = response.body().split("\n\n");
        assertThat(frames).hasSize(1 + 2 + 1).allMatch(frame -> frame.startsWith("data: {"));
        JsonNode error = JsonMapper.shared()
                .readTree(frames[3].substring("data: ".length()))
                .path("error");
        assertThat(error.path("code").asString()).isEqualTo(code);
        assertThat(error.path("type").asString()).isEqualTo("server_error");
    }

    @Test
    void failsANonStreamingAnswerThatBreaks() throws Exception {
        simulator.script(new Fault.SendsError(5));

        HttpResponse<String> response = server.post(PATH, "{" + MESSAGES + "}");

        assertThat(response.statusCode()).isEqualTo(502);
        assertThat(response.body()).doesNotContain("choices");
    }

    private static JsonNode error(HttpResponse<String> response) {
        return JsonMapper.shared().readTree(response.body()).path("error");
    }
}
