package dev.localllm.ollama.simulator;

import static org.assertj.core.api.Assertions.assertThat;

import dev.localllm.ollama.Recording;
import java.io.InputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** What waits for what, as recorded from the real Ollama: 10-queue-*, 15-*, 08-*. */
class RunnersTest {

    private static final Duration TIMEOUT = Duration.ofSeconds(10);
    private static final Duration LOAD_TIME = Duration.ofMillis(300);

    private final HttpClient client = HttpClient.newHttpClient();
    private OllamaSimulator simulator;

    @AfterEach
    void close() {
        client.shutdownNow();
        simulator.close();
    }

    /** 10-queue-same-model-waits: MAX_QUEUE bounds no request for a loaded model. */
    @Test
    void worksOnAsManyRequestsAsAreParallel() throws Exception {
        start(SimulatorSettings.unpaced().withParallel(2).withMaxQueue(1));
        InputStream first = stall(4096);
        InputStream second = stall(4096);
        List<CompletableFuture<HttpResponse<String>>> waiting = new ArrayList<>();
        for (int i = 0; i < 5; i++) {
            waiting.add(chat(4096));
        }
        awaitOpen(7);
        assertThat(waiting).noneMatch(CompletableFuture::isDone);

        first.close();

        for (CompletableFuture<HttpResponse<String>> one : waiting) {
            assertThat(get(one).statusCode()).isEqualTo(200);
        }
        second.close();
        awaitOpen(0);
    }

    /** 10-queue-other-model-waits, 10-queue-full-503: two wait, one of them outside the queue of one. */
    @Test
    void letsFewRequestsWaitForALoad() throws Exception {
        start(SimulatorSettings.unpaced().withMaxLoaded(1).withMaxQueue(1));
        InputStream running = stall(4096);
        List<CompletableFuture<HttpResponse<String>>> waiting = new ArrayList<>();
        for (int i = 0; i < 2; i++) {
            waiting.add(embed());
            awaitOpen(2 + i);
        }

        HttpResponse<String> refused = get(embed());

        Recording recording = Recording.load("10-queue-full-503");
        assertThat(refused.statusCode()).isEqualTo(recording.status());
        assertThat(refused.body()).isEqualTo(new String(recording.body(), StandardCharsets.UTF_8).strip());
        assertThat(waiting).noneMatch(CompletableFuture::isDone);
        running.close();
        for (CompletableFuture<HttpResponse<String>> one : waiting) {
            assertThat(get(one).statusCode()).isEqualTo(200);
        }
        assertThat(loaded()).containsExactly("simulator-embed:latest 512");
    }

    @Test
    void replacesAModelByAnotherOneIfThereIsRoomForOne() throws Exception {
        start(SimulatorSettings.unpaced().withMaxLoaded(1));
        for (String model : List.of(OllamaSimulator.CHAT_MODEL, OllamaSimulator.SECOND_CHAT_MODEL)) {
            String answer = get(chat(model)).body();

            assertThat(answer).contains("\"model\":\"" + model + "\"", "\"done\":true");
            assertThat(loaded()).containsExactly(model + " 4096");
            assertThat(get(post("/api/show", "{\"model\":\"" + model + "\"}")).body())
                    .contains("FROM " + model);
        }
        assertThat(simulator.loads()).isEqualTo(2);
    }

    /** 15-other-num-ctx-while-streaming */
    @Test
    void reloadsForAnotherContextLengthWhenTheRunningAnswerHasEnded() throws Exception {
        start(SimulatorSettings.unpaced());
        InputStream running = stall(2048);
        CompletableFuture<HttpResponse<String>> other = chat(1024);
        awaitOpen(2);
        assertThat(other).isNotDone();
        assertThat(loaded()).containsExactly("simulator:latest 2048");

        running.close();

        assertThat(get(other).statusCode()).isEqualTo(200);
        assertThat(loaded()).containsExactly("simulator:latest 1024");
    }

    /** 15-unload-while-streaming */
    @Test
    void finishesARunningAnswerBeforeItUnloads() throws Exception {
        start(SimulatorSettings.unpaced());
        Steps steps = simulator.hold();
        CompletableFuture<HttpResponse<String>> running = chat(4096);
        awaitOpen(1);

        HttpResponse<String> unload = get(post("/api/chat", """
                {"model":"simulator","keep_alive":0}"""));

        assertThat(unload.body()).contains("\"done_reason\":\"unload\"");
        assertThat(loaded()).containsExactly("simulator:latest 4096");
        steps.release(4);
        assertThat(get(running).body()).contains("\"done\":true");
        awaitOpen(0);
        assertThat(loaded()).isEmpty();
    }

    /** 08-chat-keep-alive-0 */
    @Test
    void unloadsAfterAnAnswerWithoutKeepAlive() throws Exception {
        start(SimulatorSettings.unpaced());

        assertThat(get(post("/api/chat", """
                {"model":"simulator","keep_alive":0,"messages":[{"role":"user","content":"Answer in 3 tokens"}]}""")).body()).contains("\"done_reason\":\"stop\"");

        awaitOpen(0);
        assertThat(loaded()).isEmpty();
    }

    /** 15-cold-load-stream */
    @Test
    void tellsTheTimeOfALoad() throws Exception {
        start(SimulatorSettings.unpaced().withLoadTime(LOAD_TIME));

        CompletableFuture<HttpResponse<String>> first = chat(4096);
        awaitOpen(1); // one event loop: it then comes before the second, which sees the same end of the load
        CompletableFuture<HttpResponse<String>> second = chat(4096);

        long load = duration("load_duration", get(first));
        assertThat(load).isGreaterThanOrEqualTo(LOAD_TIME.toNanos());
        assertThat(duration("load_duration", get(second))).as("the rest of it").isLessThan(load);
        assertThat(duration("load_duration", get(chat(4096)))).isLessThan(LOAD_TIME.toNanos() / 10);
        assertThat(simulator.loads()).isOne();
    }

    /** 10-queue-same-model-waits: load_duration 1 ms, total_duration 1573 ms */
    @Test
    void countsTheWaitForARunningAnswerOnlyInTheTotal() throws Exception {
        start(SimulatorSettings.unpaced().withParallel(1));
        InputStream running = stall(4096);
        CompletableFuture<HttpResponse<String>> waiting = chat(4096);
        awaitOpen(2);
        Thread.sleep(100); // the wait to be counted

        running.close();

        HttpResponse<String> response = get(waiting);
        assertThat(duration("total_duration", response)).isGreaterThan(100_000_000);
        assertThat(duration("load_duration", response)).isLessThan(50_000_000);
    }

    /** Otherwise an embedding would end the keep-alive of a chat's settings. */
    @Test
    void keepsTheKeepAliveOfEarlierRequests() throws Exception {
        start(SimulatorSettings.unpaced());
        get(post("/api/chat", """
                {"model":"simulator","keep_alive":-1,"messages":[{"role":"user","content":"Answer in 3 tokens"}]}"""));
        get(chat(4096));

        assertThat(get(client.sendAsync(
                                HttpRequest.newBuilder(URI.create(simulator.baseUrl() + "/api/ps"))
                                        .build(),
                                HttpResponse.BodyHandlers.ofString()))
                        .body())
                .contains("\"expires_at\":\"23");
    }

    @Test
    void abortsALoadWhoseRequestLeaves() throws Exception {
        start(SimulatorSettings.unpaced().withLoadTime(LOAD_TIME));
        CompletableFuture<HttpResponse<String>> leaves = chat(4096);
        awaitOpen(1);
        CompletableFuture<HttpResponse<String>> waits = chat(4096);
        awaitOpen(2);
        assertThat(loaded()).isEmpty();

        leaves.cancel(true);

        assertThat(duration("load_duration", get(waits)))
                .as("a load of its own")
                .isGreaterThan(LOAD_TIME.toNanos());
        assertThat(simulator.loads()).isEqualTo(2);
    }

    private void start(SimulatorSettings settings) {
        simulator = OllamaSimulator.start(settings);
    }

    /** A stream that ends when it is closed. */
    private InputStream stall(int contextTokens) throws Exception {
        simulator.script(new Fault.Stalls(1));
        return client.sendAsync(request("/api/chat", body(contextTokens)), HttpResponse.BodyHandlers.ofInputStream())
                .get(TIMEOUT.toMillis(), TimeUnit.MILLISECONDS)
                .body();
    }

    private CompletableFuture<HttpResponse<String>> chat(int contextTokens) {
        return post("/api/chat", body(contextTokens));
    }

    private CompletableFuture<HttpResponse<String>> chat(String model) {
        return post("/api/chat", body(4096).replace("simulator", model));
    }

    private CompletableFuture<HttpResponse<String>> embed() {
        return post("/api/embed", """
                {"model":"simulator-embed","input":"a"}""");
    }

    private CompletableFuture<HttpResponse<String>> post(String path, String body) {
        return client.sendAsync(request(path, body), HttpResponse.BodyHandlers.ofString());
    }

    private HttpRequest request(String path, String body) {
        return HttpRequest.newBuilder(URI.create(simulator.baseUrl() + path))
                .POST(HttpRequest.BodyPublishers.ofString(body))
                .build();
    }

    private static String body(int contextTokens) {
        return """
                {"model":"simulator","messages":[{"role":"user","content":"Answer in 3 tokens"}],
                 "options":{"num_ctx":%d}}""".formatted(contextTokens);
    }

    private static <T> T get(CompletableFuture<T> future) throws Exception {
        return future.get(TIMEOUT.toMillis(), TimeUnit.MILLISECONDS);
    }

    private static long duration(String field, HttpResponse<String> response) {
        String last = response.body().lines().toList().getLast();
        return JsonMapper.shared().readTree(last).path(field).longValue();
    }

    private List<String> loaded() throws Exception {
        HttpResponse<String> response = client.send(
                HttpRequest.newBuilder(URI.create(simulator.baseUrl() + "/api/ps"))
                        .build(),
                HttpResponse.BodyHandlers.ofString());
        List<String> loaded = new ArrayList<>();
        for (JsonNode model : JsonMapper.shared().readTree(response.body()).path("models")) {
            loaded.add(model.path("name").stringValue() + " " + model.path("context_length"));
        }
        return loaded;
    }

    private void awaitOpen(int count) {
        simulator.openExchangesOverTime().filter(open -> open == count).blockFirst(TIMEOUT);
    }
}
