package dev.localllm.api;

import static org.assertj.core.api.Assertions.assertThat;

import dev.localllm.ollama.simulator.OllamaSimulator;
import dev.localllm.ollama.simulator.SimulatorSettings;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Two models, and a model server that loads one of them at a time. */
@Tag("measured")
@Timeout(120)
class ModelSwitchTest {

    private static final int TOKENS_PER_SECOND = 500;
    private static final SimulatorSettings ONE_MODEL = SimulatorSettings.atPace(TOKENS_PER_SECOND)
            .withParallel(1)
            .withMaxLoaded(1)
            .withLoadTime(Duration.ofMillis(200));

    private final OllamaSimulator simulator = OllamaSimulator.start(ONE_MODEL);

    @Test
    void letsAnotherModelHaveItsTurnAfterAWhile() throws Exception {
        Duration switchAfter = Duration.ofSeconds(1);
        int tokens = 50;
        long answers = switchAfter.toMillis() * TOKENS_PER_SECOND / 1000 / tokens; // of the loaded model, in that time
        try (simulator;
                TestServer server = server(switchAfter);
                NamedClients clients = new NamedClients(server.uri("/"))) {
            List<CompletableFuture<HttpResponse<String>>> backlog = new ArrayList<>();
            for (int i = 0; i < 2.5 * answers; i++) {
                backlog.add(clients.post("backlog", NamedClients.body(OllamaSimulator.CHAT_MODEL, tokens)));
            }
            simulator.openExchangesOverTime().filter(open -> open == 1).blockFirst(Duration.ofSeconds(10));

            long asked = System.nanoTime();
            try (RawRequest other = RawRequest.open(server.uri("/"))
                    .send(RawRequest.chatWith(OllamaSimulator.SECOND_CHAT_MODEL, true, "Answer in 3 tokens"))) {
                assertThat(other.readUntil(": queue position=1")).isTrue();
                long before = ended(backlog);
                assertThat(other.readUntil("\"delta\":{\"content\"")).isTrue();
                Duration waited = Duration.ofNanos(System.nanoTime() - asked);
                long first = ended(backlog) - before;

                System.out.printf(
                        "ModelSwitchTest: the other model answered after %d ms and %d of %d answers of the loaded one%n",
                        waited.toMillis(), first, backlog.size());
                assertThat(waited).isGreaterThanOrEqualTo(switchAfter);
                assertThat(first).isBetween(2L, answers + 2); // two ran at the beginning and at the end of the time
                assertThat(other.readAll()).contains("data: [DONE]");
            }
            for (CompletableFuture<HttpResponse<String>> one : backlog) {
                assertThat(one.get(30, TimeUnit.SECONDS).body()).contains("data: [DONE]");
            }
            assertThat(simulator.loads()).as("there and back").isEqualTo(3);
        }
    }

    @Test
    void switchesSeldomIfBothModelsAreAlwaysWanted() throws Exception {
        Duration switchAfter = Duration.ofMillis(500);
        int asking = 3; // at a time for each model
        int each = 8;
        try (simulator;
                TestServer server = server(switchAfter);
                NamedClients clients = new NamedClients(server.uri("/"));
                ExecutorService pool = Executors.newVirtualThreadPerTaskExecutor()) {
            long start = System.nanoTime();
            List<Future<?>> running = new ArrayList<>();
            for (String model : List.of(OllamaSimulator.CHAT_MODEL, OllamaSimulator.SECOND_CHAT_MODEL)) {
                for (int i = 0; i < asking; i++) {
                    running.add(pool.submit(() -> {
                        for (int answer = 0; answer < each; answer++) {
                            assertThat(clients.post("of-" + model, NamedClients.body(model, 20))
                                            .get(30, TimeUnit.SECONDS)
                                            .body())
                                    .contains("data: [DONE]");
                        }
                        return null;
                    }));
                }
            }
            for (Future<?> one : running) {
                one.get(60, TimeUnit.SECONDS);
            }

            Duration took = Duration.ofNanos(System.nanoTime() - start);
            System.out.printf(
                    "ModelSwitchTest: %d loads for %d chats in %d ms%n",
                    simulator.loads(), running.size() * each, took.toMillis());
            assertThat(simulator.loads()).isBetween(3, 2 + Math.toIntExact(took.dividedBy(switchAfter)));
        }
    }

    private TestServer server(Duration switchAfter) {
        return new TestServer(
                simulator.baseUrl(),
                "--OLLAMA_NUM_PARALLEL=1",
                "--HEARTBEAT_INTERVAL=50ms",
                "--MODEL_SWITCH_AFTER=" + switchAfter.toMillis() + "ms");
    }

    private static long ended(List<CompletableFuture<HttpResponse<String>>> chats) {
        return chats.stream().filter(CompletableFuture::isDone).count();
    }
}
