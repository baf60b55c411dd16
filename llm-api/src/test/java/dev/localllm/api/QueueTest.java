package dev.localllm.api;

import static org.assertj.core.api.Assertions.assertThat;

import dev.localllm.ollama.simulator.Fault;
import dev.localllm.ollama.simulator.OllamaSimulator;
import dev.localllm.ollama.simulator.SimulatorSettings;
import dev.localllm.ollama.simulator.Steps;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Requests that wait for the one permit. */
class QueueTest {

    @RegisterExtension
    static final TestServers SERVERS = new TestServers();

    private final OllamaSimulator simulator = SERVERS.simulator();

    @Test
    void startsTheNextRequestWhenTheRunningOneHasEnded() throws Exception {
        TestServer server = server("--QUEUE_TIMEOUT=1m");
        Steps steps = simulator.hold();
        try (RawRequest running = running(server, "Answer in 1 tokens");
                RawRequest waiting = queued(server, "Answer in 3 tokens")) {
            assertThat(simulator.openExchanges()).isOne();

            steps.release(2);

            assertThat(running.readAll()).contains("data: [DONE]");
            assertThat(waiting.readAll()).contains(": queue position=1", "data: [DONE]");
        }
    }

    @Test
    void startsTheNextRequestWhenTheRunningClientLeaves() throws Exception {
        TestServer server = server("--QUEUE_TIMEOUT=1m");
        simulator.script(new Fault.Stalls(1));
        RawRequest running = running(server, "Hello");
        try (RawRequest waiting = queued(server, "Answer in 3 tokens")) {
            running.close();

            assertThat(waiting.readAll()).contains("data: [DONE]");
        }
    }

    @Test
    void movesUpWhenAQueuedClientLeaves() throws Exception {
        TestServer server = server("--QUEUE_TIMEOUT=1m");
        simulator.script(new Fault.Stalls(1));
        RawRequest running = running(server, "Hello");
        RawRequest leaves = queued(server, "Hello");
        try (RawRequest stays = queued(server, "Hello")) {
            assertThat(stays.received()).contains(": queue position=2");

            leaves.close();

            assertThat(stays.readUntil(": queue position=1")).isTrue();
            assertThat(simulator.openExchanges()).isOne();
        }
        running.close();
    }

    @Test
    void endsAWaitThatTakesTooLong() throws Exception {
        TestServer server = server("--QUEUE_TIMEOUT=300ms");
        simulator.script(new Fault.Stalls(1));
        try (RawRequest running = running(server, "Hello")) {
            running.readUntil("data: ");
            try (RawRequest stream = queued(server, "Hello");
                    RawRequest nonStreaming = RawRequest.chat(server.uri("/"), false, "Hello")) {
                assertThat(stream.readAll())
                        .contains("\"code\":\"queue_timeout\"")
                        .doesNotContain("[DONE]");
                assertThat(nonStreaming.readAll())
                        .startsWith("HTTP/1.1 503")
                        .contains("\"code\":\"queue_timeout\"", "x-should-retry: false");
            }
        }
    }

    @Test
    void refusesAClientThatWaitsTooOften() throws Exception {
        TestServer server = server("--QUEUE_PER_CLIENT=1", "--QUEUE_TIMEOUT=1m");
        simulator.script(new Fault.Stalls(1));
        try (RawRequest running = running(server, "Hello")) {
            running.readUntil("data: ");
            try (RawRequest waiting = queued(server, "Hello")) {
                HttpResponse<String> refused = server.post("/v1/chat/completions", body("Hello"));

                assertThat(refused.statusCode()).isEqualTo(503);
                JsonNode error = JsonMapper.shared().readTree(refused.body()).path("error");
                assertThat(error.path("code").asString()).isEqualTo("overloaded");
                assertThat(error.path("message").asString())
                        .startsWith("The client has too many waiting requests. The request would have place 2");
                assertThat(refused.headers().firstValue("retry-after")).isPresent();
                assertThat(waiting.received()).contains(": queue position=1");
            }
        }
    }

    /** The running one goes on; what waits can be served by another server. */
    @Test
    void refusesTheWaitingWhenTheServerStops() throws Exception {
        try (TestServer server = new TestServer(
                simulator.baseUrl(),
                "--OLLAMA_NUM_PARALLEL=1",
                "--HEARTBEAT_INTERVAL=50ms",
                "--MODEL_NAME=simulator")) {
            Steps steps = simulator.hold();
            try (RawRequest running = RawRequest.chat(server.uri("/"), true, "Answer in 2 tokens")) {
                steps.release(1);
                running.readUntil("data: ");
                try (RawRequest nonStreaming = RawRequest.chat(server.uri("/"), false, "Hello");
                        RawRequest stream = queuedBehindAnother(server.uri("/"))) {
                    CompletableFuture<Void> stop = CompletableFuture.runAsync(server::close);

                    assertThat(stream.readAll())
                            .contains("\"code\":\"shutting_down\"")
                            .doesNotContain("[DONE]");
                    assertThat(nonStreaming.readAll().toLowerCase(Locale.ROOT))
                            .startsWith("http/1.1 503")
                            .contains("\"code\":\"shutting_down\"", "retry-after: 1\r\n", "x-should-retry: true");
                    assertThat(stop).isNotDone();
                    steps.release(2);
                    assertThat(running.readAll()).contains("data: [DONE]");
                    stop.get(30, TimeUnit.SECONDS);
                }
            }
        }
    }

    /** In real time: twelve answers for one client, then a short one for each of five others during the first, long one. */
    @Test
    void startsEachShortRequestWithinOneLongAnswer() throws Exception {
        try (OllamaSimulator paced =
                        OllamaSimulator.start(SimulatorSettings.atPace(1000).withParallel(1));
                TestServer server = new TestServer(
                        paced.baseUrl(), "--OLLAMA_NUM_PARALLEL=1", "--QUEUE_TIMEOUT=5m", "--MODEL_NAME=simulator");
                HttpClient client = HttpClient.newHttpClient()) {
            long begun = System.nanoTime();
            List<CompletableFuture<Long>> greedy = new ArrayList<>();
            greedy.add(ask(client, server.uri("/v1/chat/completions"), "greedy", "Answer in 500 tokens"));
            paced.openExchangesOverTime().filter(open -> open == 1).blockFirst(Duration.ofSeconds(10));
            for (int i = 1; i < 12; i++) {
                greedy.add(ask(client, server.uri("/v1/chat/completions"), "greedy", "Answer in 50 tokens"));
            }
            List<CompletableFuture<Long>> others = new ArrayList<>();
            for (int i = 0; i < 5; i++) {
                others.add(ask(client, server.uri("/v1/chat/completions"), "other-" + i, "Answer in 4 tokens"));
            }

            long last = 0;
            for (CompletableFuture<Long> one : others) {
                last = Math.max(last, one.get(30, TimeUnit.SECONDS));
            }
            long first = Long.MAX_VALUE;
            List<Long> ends = new ArrayList<>();
            for (CompletableFuture<Long> one : greedy) {
                ends.add(one.get(60, TimeUnit.SECONDS));
                first = Math.min(first, ends.getLast());
            }
            long finalLast = last;
            System.out.printf(
                    "QueueTest: first long answer after %d ms, last short one after %d ms%n",
                    (first - begun) / 1_000_000, (last - begun) / 1_000_000);
            assertThat(ends.stream().filter(end -> end < finalLast).count())
                    .as("long answers before the last short one")
                    .isLessThanOrEqualTo(1);
        }
    }

    private static CompletableFuture<Long> ask(HttpClient client, URI uri, String id, String question) {
        return client.sendAsync(
                        HttpRequest.newBuilder(uri)
                                .header("Content-Type", "application/json")
                                .header("X-Client-Id", id)
                                .POST(HttpRequest.BodyPublishers.ofString(
                                        body(question).replace("false", "true")))
                                .build(),
                        HttpResponse.BodyHandlers.ofString())
                .thenApply(response -> {
                    assertThat(response.body()).contains("data: [DONE]");
                    return System.nanoTime();
                });
    }

    /** One permit, and heartbeats that tell the place soon. */
    private static TestServer server(String... settings) {
        List<String> all = new ArrayList<>(List.of(settings));
        all.addAll(List.of("--OLLAMA_NUM_PARALLEL=1", "--HEARTBEAT_INTERVAL=50ms", "--MODEL_NAME=simulator"));
        return SERVERS.server(all.toArray(String[]::new));
    }

    /** A request that holds the permit. */
    private static RawRequest running(TestServer server, String question) throws Exception {
        RawRequest request = RawRequest.chat(server.uri("/"), true, question);
        SERVERS.awaitOpen(1);
        return request;
    }

    private static RawRequest queued(TestServer server, String question) throws Exception {
        RawRequest request = queued(server.uri("/"), question);
        assertThat(request.readUntil(": queue position=")).isTrue();
        assertThat(request.readUntil("\n\n")).isTrue();
        return request;
    }

    private static RawRequest queued(URI server, String question) throws Exception {
        return RawRequest.chat(server, true, question);
    }

    /** Waits until another request waits, too: only then it is behind one. */
    private static RawRequest queuedBehindAnother(URI server) throws Exception {
        while (true) {
            RawRequest request = queued(server, "Hello");
            assertThat(request.readUntil(": queue position=")).isTrue();
            assertThat(request.readUntil("\n\n")).isTrue();
            if (request.received().contains("position=2")) {
                return request;
            }
            request.close();
        }
    }

    private static String body(String question) {
        return "{\"stream\":false,\"messages\":[{\"role\":\"user\",\"content\":\"" + question + "\"}]}";
    }
}
