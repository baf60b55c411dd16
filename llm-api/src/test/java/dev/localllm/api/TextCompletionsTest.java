package dev.localllm.api;

import static org.assertj.core.api.Assertions.assertThat;

import dev.localllm.ollama.CannedServer;
import dev.localllm.ollama.Recording;
import dev.localllm.ollama.simulator.Fault;
import dev.localllm.ollama.simulator.OllamaSimulator;
import java.net.http.HttpResponse;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** POST /v1/completions on the complete server. */
class TextCompletionsTest {

    private static final String PATH = "/v1/completions";

    @RegisterExtension
    static final TestServers SERVERS = new TestServers();

    private final OllamaSimulator simulator = SERVERS.simulator();
    private final TestServer server = SERVERS.server("--MAX_PROMPT_CHARACTERS=50000");

    @Test
    void completesAText() throws Exception {
        HttpResponse<String> response = server.post(PATH, "{\"prompt\":\"안녕, once upon\"}");
        JsonNode body = JsonMapper.shared().readTree(response.body());

        assertThat(response.statusCode()).isEqualTo(200);
        assertThat(response.headers().firstValue("content-type")).hasValue("application/json");
        assertThat(body.path("id").asString()).matches("cmpl-[0-9a-f]{32}");
        assertThat(body.path("object").asString()).isEqualTo("text_completion");
        assertThat(body.path("model").asString()).isEqualTo(OllamaSimulator.CHAT_MODEL);
        assertThat(body.path("choices").size()).isEqualTo(1);
        assertThat(body.at("/choices/0/text").asString()).contains("안녕, once upon");
        assertThat(body.at("/choices/0/finish_reason").asString()).isEqualTo("stop");
        assertThat(body.at("/choices/0/logprobs").isNull()).isTrue();
        assertThat(body.at("/usage/total_tokens").asInt())
                .isEqualTo(body.at("/usage/prompt_tokens").asInt()
                        + body.at("/usage/completion_tokens").asInt());
    }

    @Test
    void streamsTheSameText() throws Exception {
        List<JsonNode> chunks = stream("\"prompt\":\"Once 🙂\"");

        assertThat(text(chunks)).isEqualTo(text(ask("\"prompt\":\"Once 🙂\"")));
        assertThat(chunks).extracting(chunk -> chunk.path("id").asString()).containsOnly(id(chunks));
        assertThat(chunks).noneMatch(chunk -> chunk.has("usage"));
        assertThat(chunks.subList(0, chunks.size() - 1))
                .allMatch(chunk -> chunk.at("/choices/0/finish_reason").isNull());
        assertThat(chunks.getLast().at("/choices/0").toString())
                .isEqualTo("{\"text\":\"\",\"index\":0,\"logprobs\":null,\"finish_reason\":\"stop\"}");
    }

    @Test
    void streamsTheUsageLast() throws Exception {
        List<JsonNode> chunks = stream("\"prompt\":\"Answer in 3 tokens\",\"stream_options\":{\"include_usage\":true}");

        assertThat(chunks).hasSize(3 + 2);
        assertThat(chunks.getLast().path("choices").size()).isZero();
        assertThat(chunks.getLast().at("/usage/completion_tokens").asInt()).isEqualTo(3);
        assertThat(chunks.getFirst().path("usage").isNull()).isTrue();
    }

    @Test
    void fillsTheGapBeforeTheSuffix() throws Exception {
        String gap = "\"prompt\":\"def add(a, b):\",\"suffix\":\"return sum\"";

        assertThat(text(ask(gap)))
                .contains("I fill the gap between \"def add(a, b):\" and \"return sum\"")
                .isEqualTo(text(stream(gap)));
        assertThat(text(ask("\"prompt\":\"def add(a, b):\",\"suffix\":\"\""))).contains("You asked");
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void refusesASuffixIfTheModelCannotInsert(boolean stream) throws Exception {
        HttpResponse<String> response = server.post(
                PATH, "{\"model\":\"simulator-2\",\"prompt\":\"a\",\"suffix\":\"b\",\"stream\":" + stream + "}");

        assertThat(response.statusCode()).isEqualTo(400);
        assertThat(response.body())
                .isEqualTo("{\"error\":{\"message\":\"The model 'simulator-2' does not support insert.\","
                        + "\"type\":\"invalid_request_error\",\"param\":\"model\",\"code\":\"unsupported_by_model\"}}");
    }

    @Test
    void stopsBeforeAStopSequence() throws Exception {
        JsonNode answer = ask("\"prompt\":\"Hi\",\"stop\":[\"You asked\",\"zzz\"]");

        assertThat(text(answer)).isEqualTo("This is a simulator with no model behind it. ");
        assertThat(answer.at("/choices/0/finish_reason").asString()).isEqualTo("stop");
    }

    @Test
    void endsAtTheTokenLimit() throws Exception {
        JsonNode answer = ask("\"prompt\":\"Hi\",\"max_tokens\":3");
        List<JsonNode> chunks = stream("\"prompt\":\"Hi\",\"max_tokens\":3");

        assertThat(text(answer)).isEqualTo("This is a");
        assertThat(answer.at("/choices/0/finish_reason").asString()).isEqualTo("length");
        assertThat(answer.at("/usage/completion_tokens").asInt()).isEqualTo(3);
        assertThat(chunks.getLast().at("/choices/0/finish_reason").asString()).isEqualTo("length");
    }

    @Test
    void givesLogprobsInTheOldForm() throws Exception {
        String wanted = "\"prompt\":\"🙂 Answer in 3 tokens\",\"logprobs\":2";
        JsonNode logprobs = ask(wanted).at("/choices/0/logprobs");

        assertThat(logprobs.propertyNames()).containsExactly("tokens", "token_logprobs", "top_logprobs", "text_offset");
        assertThat(logprobs.path("tokens").toString()).isEqualTo("[\"This\",\" is\",\" a\"]");
        assertThat(logprobs.path("token_logprobs").size()).isEqualTo(3);
        assertThat(logprobs.path("top_logprobs").path(1).propertyNames()).containsExactly(" is", " the");
        assertThat(logprobs.at("/top_logprobs/1/ is")).isEqualTo(logprobs.at("/token_logprobs/1"));
        assertThat(logprobs.path("text_offset").toString()).isEqualTo("[20,24,27]");
        assertThat(stream(wanted))
                .extracting(chunk -> chunk.at("/choices/0/logprobs/text_offset").toString())
                .containsExactly("[20]", "[24]", "[27]", "");
    }

    @Test
    void givesOnlyTheTokensWithNoAlternatives() throws Exception {
        assertThat(ask("\"prompt\":\"Answer in 1 tokens\",\"logprobs\":0")
                        .at("/choices/0/logprobs/top_logprobs/0")
                        .propertyNames())
                .containsExactly("This");
    }

    @Test
    void hasNoPlaceForThinking() throws Exception {
        assertThat(text(ask("\"model\":\"simulator-thinking\",\"prompt\":\"Why?\"")))
                .startsWith("This is a simulator");
    }

    /** As with a model that thinks in any case: the tokens are counted, and the caller gets the answer. */
    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void leavesOutThinkingThatCannotBeSwitchedOff(boolean stream) throws Exception {
        try (CannedServer ollama = CannedServer.thatLoads(
                        Recording.load("03-generate-think").response());
                TestServer server = new TestServer(ollama.baseUrl(), "--MODEL_NAME=tiny", "--SYSTEM_PROMPT=Be kind.")) {
            String answer = server.post(
                            PATH,
                            "{\"prompt\":\"Hi\",\"stream\":" + stream
                                    + (stream ? ",\"stream_options\":{\"include_usage\":true}" : "") + "}")
                    .body();

            assertThat(stream ? text(chunks(answer)) : text(JsonMapper.shared().readTree(answer)))
                    .isEqualTo("The answer is 42 .");
            assertThat(answer).contains("\"completion_tokens\":16").doesNotContain("wants");
            assertThat(ollama.request())
                    .startsWith("POST /api/generate ")
                    .contains("\"think\":false")
                    .doesNotContain("kind");
        }
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "prompt | {}",
                "prompt | {\"prompt\":\"\"}",
                "prompt | {\"prompt\":[\"a\",\"b\"]}",
                "prompt | {\"prompt\":[1,2,3]}",
                "echo | {\"prompt\":\"a\",\"echo\":true}",
                "best_of | {\"prompt\":\"a\",\"best_of\":3}",
                "n | {\"prompt\":\"a\",\"n\":2}",
                "logprobs | {\"prompt\":\"a\",\"logprobs\":6}",
                "logit_bias | {\"prompt\":\"a\",\"logit_bias\":{\"50256\":-100}}",
                "num_ctx | {\"prompt\":\"a\",\"num_ctx\":1}"
            })
    void refusesByName(String field, String body) throws Exception {
        int chats = simulator.chats();

        HttpResponse<String> response = server.post(PATH, body);

        assertThat(response.statusCode()).isEqualTo(400);
        assertThat(JsonMapper.shared()
                        .readTree(response.body())
                        .at("/error/param")
                        .asString())
                .isEqualTo(field);
        assertThat(simulator.chats()).isEqualTo(chats);
    }

    @Test
    void namesFieldsWithoutAnEffect() throws Exception {
        assertThat(server.post(PATH, "{\"prompt\":\"a\",\"messages\":[]}")
                        .headers()
                        .firstValue("x-ignored-fields"))
                .hasValue("messages");
    }

    @Test
    void limitsThePromptTogetherWithItsSuffix() throws Exception {
        String half = "a".repeat(25_001);

        HttpResponse<String> response = server.post(PATH, "{\"prompt\":\"" + half + "\",\"suffix\":\"" + half + "\"}");

        assertThat(response.statusCode()).isEqualTo(400);
        assertThat(JsonMapper.shared()
                        .readTree(response.body())
                        .at("/error/message")
                        .asString())
                .isEqualTo("prompt: 50002 characters, with the suffix (expected: at most 50000)");
    }

    @Test
    void neverTruncatesThePrompt() throws Exception {
        HttpResponse<String> response = server.post(PATH, "{\"prompt\":\"" + "word ".repeat(9000) + "\"}");

        assertThat(response.statusCode()).isEqualTo(400);
        assertThat(response.body()).contains("\"param\":\"prompt\",\"code\":\"context_length_exceeded\"");
    }

    @Test
    void usesTheModelThatAChatHasLoaded() throws Exception {
        server.post("/v1/chat/completions", "{\"messages\":[{\"role\":\"user\",\"content\":\"Hi\"}]}");
        int loads = simulator.loads();

        ask("\"prompt\":\"Hi\"");

        assertThat(simulator.loads()).isEqualTo(loads);
    }

    @Test
    void endsTheGenerationWhenTheCallerLeaves() throws Exception {
        simulator.script(new Fault.Stalls(2));
        try (RawRequest request = RawRequest.open(server.uri("/"))) {
            request.send(RawRequest.completion(true, "Hi", "test")).readUntil("data: ");
            SERVERS.awaitOpen(1);
        }
        SERVERS.awaitOpen(0);
    }

    @Test
    void endsABrokenStreamWithAnErrorFrame() throws Exception {
        simulator.script(new Fault.SendsError(2));

        String body = server.post(PATH, "{\"prompt\":\"Hi\",\"stream\":true}").body();

        List<String> frames = List.of(body.split("\n\n"));
        assertThat(frames).hasSize(3);
        assertThat(frames.getLast()).startsWith("data: {\"error\":{").contains("\"code\":\"upstream_failed\"");
        assertThat(body).doesNotContain("[DONE]");
    }

    private JsonNode ask(String fields) throws Exception {
        HttpResponse<String> response = server.post(PATH, "{" + fields + "}");
        assertThat(response.statusCode()).isEqualTo(200);
        return JsonMapper.shared().readTree(response.body());
    }

    /** The chunks of a stream that is complete. */
    private List<JsonNode> stream(String fields) throws Exception {
        HttpResponse<String> response = server.post(PATH, "{\"stream\":true," + fields + "}");
        assertThat(response.headers().firstValue("content-type")).hasValue("text/event-stream");
        return chunks(response.body());
    }

    private static List<JsonNode> chunks(String body) {
        List<String> frames = new ArrayList<>(List.of(body.split("\n\n")));
        assertThat(frames.removeLast()).isEqualTo("data: [DONE]");
        frames.removeIf(frame -> frame.startsWith(":"));
        return frames.stream()
                .map(frame -> JsonMapper.shared().readTree(frame.substring("data: ".length())))
                .toList();
    }

    private static String id(List<JsonNode> chunks) {
        return chunks.getFirst().path("id").asString();
    }

    private static String text(List<JsonNode> chunks) {
        return chunks.stream().map(TextCompletionsTest::text).collect(Collectors.joining());
    }

    private static String text(JsonNode answer) {
        return answer.at("/choices/0/text").asString("");
    }
}
