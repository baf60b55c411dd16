package dev.localllm.api;

import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.Level;
import dev.localllm.ollama.CannedServer;
import dev.localllm.ollama.simulator.Fault;
import dev.localllm.ollama.simulator.OllamaSimulator;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Base64;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.IntSupplier;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import reactor.core.publisher.Flux;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** POST /v1/embeddings on the complete server. */
class EmbeddingsTest {

    @RegisterExtension
    static final TestServers SERVERS = new TestServers();

    private static final String LOG = "dev.localllm.api.request.RequestFilter";
    private static final int LENGTH = 32;
    private static final Duration TIMEOUT = Duration.ofSeconds(10);

    private final OllamaSimulator simulator = SERVERS.simulator();
    private final TestServer server = SERVERS.server("--MODEL_NAME=simulator");

    // --- what it answers

    @Test
    void embedsAStringAsOpenAiDoes() throws Exception {
        HttpResponse<String> response = embed("\"input\":\"hi you\"");

        JsonNode body = JsonMapper.shared().readTree(response.body());
        assertThat(response.statusCode()).isEqualTo(200);
        assertThat(response.headers().firstValue("content-type")).contains("application/json");
        assertThat(body.propertyNames()).containsExactly("object", "data", "model", "usage");
        assertThat(body.path("object").asString()).isEqualTo("list");
        assertThat(body.path("model").asString()).isEqualTo("simulator-embed");
        assertThat(body.path("usage")).isEqualTo(JsonMapper.shared().readTree("""
                {"prompt_tokens":4,"total_tokens":4}"""));
        assertThat(body.path("data").size()).isOne();
        JsonNode item = body.path("data").get(0);
        assertThat(item.propertyNames()).containsExactly("object", "index", "embedding");
        assertThat(item.path("object").asString()).isEqualTo("embedding");
        assertThat(item.path("index").asInt()).isZero();
        assertThat(item.path("embedding").size()).isEqualTo(LENGTH);
    }

    @Test
    void putsSeveralBatchesTogetherInOrder() throws Exception {
        List<String> inputs = IntStream.range(0, 70).mapToObj(i -> "text " + i).toList();
        int embeds = simulator.embeds();

        JsonNode body = data(embed("\"input\":" + array(inputs)));

        assertThat(simulator.embeds() - embeds).as("batches").isEqualTo(3);
        assertThat(body.path("data").size()).isEqualTo(70);
        int tokens = 0;
        for (int i = 0; i < 70; i++) {
            JsonNode alone = data(embed("\"input\":\"" + inputs.get(i) + "\""));
            tokens += alone.path("usage").path("prompt_tokens").asInt();
            JsonNode item = body.path("data").get(i);
            assertThat(item.path("index").asInt()).isEqualTo(i);
            assertThat(item.path("embedding"))
                    .isEqualTo(alone.path("data").get(0).path("embedding"));
        }
        assertThat(body.path("usage").path("prompt_tokens").asInt()).isEqualTo(tokens);
        assertThat(body.path("usage").path("total_tokens").asInt()).isEqualTo(tokens);
    }

    @Test
    void givesTheSameBitsInBothFormats() throws Exception {
        String inputs = "\"input\":[\"hi\",\"you\"]";
        JsonNode floats = data(embed(inputs + ",\"encoding_format\":\"float\"")).path("data");
        JsonNode base64 =
                data(embed(inputs + ",\"encoding_format\":\"base64\"")).path("data");

        for (int i = 0; i < 2; i++) {
            ByteBuffer bytes = ByteBuffer.wrap(Base64.getDecoder()
                            .decode(base64.get(i).path("embedding").asString()))
                    .order(ByteOrder.LITTLE_ENDIAN);
            for (JsonNode number : floats.get(i).path("embedding")) {
                assertThat(bytes.getInt()).isEqualTo(Float.floatToRawIntBits(Float.parseFloat(number.asString())));
            }
            assertThat(bytes.hasRemaining()).isFalse();
        }
    }

    @Test
    void cutsVectorsToTheDimensions() throws Exception {
        assertThat(data(embed("\"input\":\"hi\",\"dimensions\":8"))
                        .path("data")
                        .get(0)
                        .path("embedding")
                        .size())
                .isEqualTo(8);
        assertThat(error(embed("\"input\":\"hi\",\"dimensions\":33"), 400))
                .isEqualTo("null dimensions dimensions: 33 (expected: at most 32, the length of this model's vectors)");
    }

    @Test
    void tellsFieldsWithoutEffectAndTheRateLimit() throws Exception {
        TestServer limited = SERVERS.server("--RATE_LIMIT_RPM=600", "--MODEL_NAME=simulator");

        HttpResponse<String> response = limited.post("/v1/embeddings", body("\"input\":\"hi\",\"truncate\":true"));

        assertThat(response.headers().firstValue("x-ignored-fields")).contains("truncate");
        assertThat(response.headers().firstValue("x-ratelimit-remaining-requests"))
                .contains("599");
    }

    @Test
    void countsWhatItCosts() throws Exception {
        try (CapturedLog log = new CapturedLog(LOG, Level.INFO)) {
            server.send(HttpRequest.newBuilder(server.uri("/v1/embeddings"))
                    .header("Content-Type", "application/json")
                    .header("X-Client-Id", "counted")
                    .header("x-request-id", "counted")
                    .POST(HttpRequest.BodyPublishers.ofString(body("\"input\":[\"a\",\"b c\"]"))));

            assertThat(log.await("id=counted "))
                    .contains(
                            "POST /v1/embeddings 200 done id=counted ",
                            " outcome=success model=simulator-embed ",
                            " prompt_ms=1 ",
                            " input_tokens=7 output_tokens=0");
        }
        JsonNode usage =
                data(server.send(HttpRequest.newBuilder(server.uri("/v1/usage")).header("X-Client-Id", "counted")));
        assertThat(usage.path("requests").asInt()).isOne();
        assertThat(usage.path("prompt_tokens").asInt()).isEqualTo(7);
        assertThat(usage.path("completion_tokens").asInt()).isZero();
    }

    // --- what it refuses

    @Test
    void refusesAnInputThatIsTooLongAndDoesNotCutIt() throws Exception {
        assertThat(error(embed("\"input\":[\"short\",\"" + "word ".repeat(600) + "\"]"), 400))
                .isEqualTo("context_length_exceeded input An input exceeds this model's maximum context length. Please"
                        + " reduce the length of the input.");
    }

    @ParameterizedTest
    @CsvSource({
        "simulator, 400, unsupported_by_model model The model 'simulator' does not support embeddings.",
        "no-such-model, 404, model_not_found model The model 'no-such-model' does not exist or is not allowed here."
    })
    void refusesModelsThatDoNotEmbed(String model, int status, String error) throws Exception {
        HttpResponse<String> response = server.post("/v1/embeddings", "{\"model\":\"" + model + "\",\"input\":\"hi\"}");

        assertThat(error(response, status)).isEqualTo(error);
    }

    @Test
    void refusesAModelThatIsNotAllowed() throws Exception {
        TestServer strict = SERVERS.server("--MODEL_NAME=simulator", "--ALLOWED_MODELS=simulator");
        int embeds = simulator.embeds();

        assertThat(error(strict.post("/v1/embeddings", body("\"input\":\"hi\"")), 404))
                .startsWith("model_not_found model ");
        assertThat(simulator.embeds()).isEqualTo(embeds);
    }

    @Test
    void refusesLongInputsAndTokensByName() throws Exception {
        TestServer strict = SERVERS.server("--MODEL_NAME=simulator", "--MAX_PROMPT_CHARACTERS=5");

        assertThat(error(strict.post("/v1/embeddings", body("\"input\":[\"12345\",\"123456\"]")), 400))
                .isEqualTo("null input input[1]: 6 characters (expected: at most 5)");
        assertThat(strict.post("/v1/embeddings", body("\"input\":[\"12345\",\"12345\"]"))
                        .statusCode())
                .isEqualTo(200);
        assertThat(error(strict.post("/v1/embeddings", body("\"input\":[1,2]")), 400))
                .startsWith("null input ")
                .contains("tokens are not supported");
    }

    /** After the first batch, which tells the length of the vectors. */
    @Test
    void refusesAResponseThatWouldBeTooLarge() throws Exception {
        String vector = "[" + String.join(",", Collections.nCopies(4096, "0")) + "]";
        String batch = "{\"embeddings\":[" + String.join(",", Collections.nCopies(32, vector)) + "]}";
        String response = "HTTP/1.1 200 OK\r\nContent-Length: " + batch.length() + "\r\n\r\n" + batch;
        try (CannedServer canned = new CannedServer(response.getBytes(StandardCharsets.US_ASCII));
                TestServer large = new TestServer(canned.baseUrl(), "--MODEL_NAME=tiny")) {
            HttpResponse<String> refused =
                    large.post("/v1/embeddings", body("\"input\":" + array(Collections.nCopies(2048, "a"))));

            assertThat(error(refused, 400))
                    .isEqualTo("null input input: 2048 vectors of 4096 numbers (expected: at most 157 in one response;"
                            + " more with encoding_format base64)");
        }
    }

    @Test
    void refusesMoreThanTheBudgetOfAllResponses() throws Exception {
        TestServer small = SERVERS.server("--MODEL_NAME=simulator", "--RESPONSE_BUDGET=1KB");

        assertThat(error(small.post("/v1/embeddings", body("\"input\":[\"a\",\"b\",\"c\"]")), 503))
                .startsWith("overloaded null Too many non-streaming responses at once.");
        assertThat(small.post("/v1/embeddings", body("\"input\":\"a\"")).statusCode())
                .as("the budget is free again")
                .isEqualTo(200);
    }

    @Test
    void endsAfterTheTotalTimeout() throws Exception {
        TestServer impatient = SERVERS.server("--MODEL_NAME=simulator", "--NON_STREAMING_TIMEOUT=300ms");
        simulator.script(new Fault.NeverAnswers());

        assertThat(error(impatient.post("/v1/embeddings", body("\"input\":\"a\"")), 504))
                .startsWith("total_timeout null ")
                .contains("Send fewer inputs at once.");
    }

    // --- its lane

    @Test
    void isServedWhileAChatHoldsTheOnlyPermit() throws Exception {
        TestServer narrow = narrow();
        simulator.script(new Fault.Stalls(1));
        try (RawRequest chat = RawRequest.chat(narrow.uri("/"), true, "Hello")) {
            assertThat(chat.readUntil("data: ")).isTrue();

            assertThat(narrow.post("/v1/embeddings", body("\"input\":\"a\"")).statusCode())
                    .isEqualTo(200);

            assertThat(narrow.post("/v1/chat/completions", "{\"messages\":[{\"role\":\"user\",\"content\":\"Hi\"}]}")
                            .statusCode())
                    .isEqualTo(503);
        }
    }

    @Test
    void doesNotBlockChatsWhileItHoldsItsOnlyPermit() throws Exception {
        TestServer narrow = narrow();
        simulator.script(new Fault.NeverAnswers());
        try (RawRequest running = running(narrow)) {
            assertThat(narrow.post("/v1/chat/completions", "{\"messages\":[{\"role\":\"user\",\"content\":\"Hi\"}]}")
                            .statusCode())
                    .isEqualTo(200);

            assertThat(error(narrow.post("/v1/embeddings", body("\"input\":\"a\"")), 503))
                    .startsWith("overloaded null The queue is full.");
            assertThat(running.received()).isEmpty();
        }
    }

    @Test
    void startsTheNextRequestWhenTheRunningClientLeaves() throws Exception {
        simulator.script(new Fault.NeverAnswers());
        RawRequest running = running(server);
        try (RawRequest waiting = RawRequest.open(server.uri("/")).send(request("\"input\":\"a\"", "waiting"))) {
            running.close();

            assertThat(waiting.readAll()).startsWith("HTTP/1.1 200");
        }
    }

    @Test
    void closesTheExchangeOfALaterBatchWhenItsClientLeaves() throws Exception {
        String inputs = "\"input\":" + array(Collections.nCopies(70, "a"));
        int embeds = simulator.embeds();
        simulator.script(new Fault.None(), new Fault.Stalls(0));
        RawRequest leaves = RawRequest.open(server.uri("/")).send(request(inputs, "leaves"));
        await(simulator::embeds, embeds + 2);

        leaves.close();

        SERVERS.awaitOpen(0);
        assertThat(embed("\"input\":\"a\"").statusCode()).isEqualTo(200);
        assertThat(simulator.embeds()).as("no third batch").isEqualTo(embeds + 3);
    }

    @Test
    void endsAWaitThatTakesTooLong() throws Exception {
        TestServer brief = SERVERS.server("--MODEL_NAME=simulator", "--QUEUE_TIMEOUT=300ms");
        simulator.script(new Fault.NeverAnswers());
        try (RawRequest running = running(brief)) {
            assertThat(error(brief.post("/v1/embeddings", body("\"input\":\"a\"")), 503))
                    .startsWith("queue_timeout ");
            assertThat(running.received()).isEmpty();
        }
    }

    /** The running one goes on; what waits can be served by another server. */
    @Test
    void refusesTheWaitingWhenTheServerStops() throws Exception {
        try (TestServer stopping = new TestServer(simulator.baseUrl(), "--MODEL_NAME=simulator")) {
            simulator.script(new Fault.SlowHeaders(Duration.ofSeconds(1)));
            try (RawRequest running = running(stopping);
                    RawRequest waiting =
                            RawRequest.open(stopping.uri("/")).send(request("\"input\":\"b\"", "waiting"))) {
                await(stopping::embeddings, 2);
                CompletableFuture<Void> stop = CompletableFuture.runAsync(stopping::close);

                assertThat(waiting.readAll().toLowerCase(Locale.ROOT))
                        .startsWith("http/1.1 503")
                        .contains("\"code\":\"shutting_down\"", "retry-after: 1\r\n");
                assertThat(running.readAll()).startsWith("HTTP/1.1 200").contains("\"embedding\":[");
                stop.get(30, TimeUnit.SECONDS);
            }
        }
    }

    @Test
    void worksOnSeveralRequestsIfThatIsSet() throws Exception {
        TestServer wide = SERVERS.server("--MODEL_NAME=simulator", "--EMBEDDING_PARALLEL=2");
        simulator.script(new Fault.NeverAnswers());
        try (RawRequest running = running(wide)) {
            assertThat(wide.post("/v1/embeddings", body("\"input\":\"a\"")).statusCode())
                    .isEqualTo(200);
            assertThat(running.received()).isEmpty();
        }
    }

    /** One request at a time, running or waiting, in each lane. */
    private static TestServer narrow() {
        return SERVERS.server("--MODEL_NAME=simulator", "--OLLAMA_NUM_PARALLEL=1", "--MAX_CONCURRENT_REQUESTS=1");
    }

    /** A request that holds the permit. */
    private static RawRequest running(TestServer server) throws Exception {
        RawRequest request = RawRequest.open(server.uri("/")).send(request("\"input\":\"a\"", "running"));
        SERVERS.awaitOpen(1);
        return request;
    }

    private static void await(IntSupplier count, int expected) {
        Flux.interval(Duration.ZERO, Duration.ofMillis(5))
                .onBackpressureDrop()
                .filter(tick -> count.getAsInt() == expected)
                .blockFirst(TIMEOUT);
    }

    private HttpResponse<String> embed(String fields) throws Exception {
        return server.post("/v1/embeddings", body(fields));
    }

    private static String body(String fields) {
        return "{\"model\":\"simulator-embed\"," + fields + "}";
    }

    private static String request(String fields, String id) {
        String body = body(fields);
        return "POST /v1/embeddings HTTP/1.1\r\nHost: localhost\r\nx-request-id: " + id
                + "\r\nContent-Type: application/json\r\nContent-Length: " + body.length() + "\r\n\r\n" + body;
    }

    private static String array(List<String> texts) {
        return texts.stream().map(text -> '"' + text + '"').collect(Collectors.joining(",", "[", "]"));
    }

    private static JsonNode data(HttpResponse<String> response) {
        assertThat(response.statusCode()).as(response.body()).isEqualTo(200);
        return JsonMapper.shared().readTree(response.body());
    }

    /** Code, field and message. */
    private static String error(HttpResponse<String> response, int status) {
        JsonNode error = JsonMapper.shared().readTree(response.body()).path("error");
        assertThat(response.statusCode()).as(response.body()).isEqualTo(status);
        return error.path("code").asString("null") + " " + error.path("param").asString("null") + " "
                + error.path("message").asString();
    }
}
