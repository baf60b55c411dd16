package dev.localllm.api;

import static org.assertj.core.api.Assertions.assertThat;

import dev.localllm.ollama.simulator.OllamaSimulator;
import dev.localllm.ollama.simulator.SimulatorSettings;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** A refused request must not spoil the connection for the next one: it is answered, or the connection is closed. */
class ConnectionReuseTest {

    private static OllamaSimulator simulator;
    private static TestServer server;

    @BeforeAll
    static void start() {
        simulator = OllamaSimulator.start(SimulatorSettings.unpaced());
        server = new TestServer(simulator.baseUrl(), "--MAX_BODY_SIZE=64KB");
    }

    @AfterAll
    static void stop() {
        server.close();
        simulator.close();
    }

    @ParameterizedTest
    @CsvSource({
        "415, /v1/chat/completions, text/plain, 10",
        "404, /v1/nothing, application/json, 10",
        "405, /health, application/json, 10",
        "413, /v1/chat/completions, application/json, 70000",
        "413, /v1/chat/completions, application/json, 3000000",
        "415, /v1/chat/completions, text/plain, 70000",
        "415, /v1/chat/completions, text/plain, 3000000",
        "404, /v1/nothing, application/json, 70000",
        "404, /v1/nothing, application/json, 3000000"
    })
    void answersTheNextRequestOrCloses(int status, String path, String type, int length) throws Exception {
        for (int i = 0; i < 50; i++) {
            try (RawRequest request = RawRequest.open(server.uri("/"))) {
                CountDownLatch refused = new CountDownLatch(1);
                Thread sending = Thread.ofVirtual().start(() -> {
                    try {
                        request.send("POST " + path + " HTTP/1.1\r\nHost: t\r\nContent-Type: " + type
                                + "\r\nContent-Length: " + length + "\r\n\r\n");
                        request.send("x".repeat(length));
                        refused.await();
                        request.send("GET /health HTTP/1.1\r\nHost: t\r\n\r\n");
                    } catch (Exception e) {
                        // the server has closed the connection
                    }
                });
                request.readUntil("}}");
                refused.countDown();
                request.readUntil("\"status\":\"UP\"");
                assertThat(request.status()).isEqualTo(status);
                sending.join();
            }
        }
    }
}
