package dev.localllm.api;

import static org.assertj.core.api.Assertions.assertThat;

import dev.localllm.ollama.simulator.OllamaSimulator;
import dev.localllm.ollama.simulator.SimulatorSettings;
import java.net.SocketException;
import java.net.URI;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Bodies of many connections at once. llm-deploy/e2e/test-flood does the same with the real container. */
@Tag("measured")
@Timeout(120)
class MemoryFloodTest {

    private static final int CONNECTIONS = 400;
    private static final String BODY = "{\"messages\":[{\"role\":\"user\",\"content\":\"" + "a".repeat(1_000_000);

    @Test
    void serves20StreamsWhileBodiesFloodIt() throws Exception {
        try (OllamaSimulator simulator = OllamaSimulator.start(SimulatorSettings.atPace(20));
                ServerProcess server =
                        ServerProcess.withHeap("256m", simulator.baseUrl(), "--RATE_LIMIT_RPM=0", "--BODY_TIMEOUT=3s");
                ExecutorService clients = Executors.newVirtualThreadPerTaskExecutor()) {
            URI uri = server.uri("/");
            List<Future<String>> streams = new ArrayList<>();
            for (int i = 0; i < 20; i++) {
                streams.add(clients.submit(() -> stream(uri)));
            }
            List<Future<String>> floods = new ArrayList<>();
            for (int i = 0; i < CONNECTIONS; i++) {
                String client = "client-" + i % 20;
                floods.add(clients.submit(() -> allButTheLastByte(uri, client)));
            }
            int refused = 0;
            for (Future<String> flood : floods) {
                refused += flood.get(60, TimeUnit.SECONDS).startsWith("HTTP/1.1 503") ? 1 : 0;
            }
            for (Future<String> stream : streams) {
                assertThat(stream.get(60, TimeUnit.SECONDS)).endsWith("data: [DONE]\n\n\r\n0\r\n\r\n");
            }
            System.out.println("MemoryFloodTest: " + refused + " of " + CONNECTIONS + " refused");
            assertThat(refused).isGreaterThan(CONNECTIONS / 2);
            assertThat(server.output()).doesNotContain("OutOfMemory", "OutOfDirectMemory", "LEAK");
        }
    }

    private static String stream(URI uri) throws Exception {
        try (RawRequest request = RawRequest.chat(uri, true, "Answer in 100 tokens")) {
            return request.readAll();
        }
    }

    /** The response, or an empty text if the server closed the connection before it could be read. */
    private static String allButTheLastByte(URI uri, String client) throws Exception {
        try (RawRequest request = RawRequest.open(uri)) {
            request.socket().setSoTimeout(30_000);
            try {
                request.send("POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nX-Client-Id: " + client
                        + "\r\nContent-Type: application/json\r\nContent-Length: " + (BODY.length() + 1) + "\r\n\r\n"
                        + BODY);
            } catch (SocketException e) {
                // refused while writing; the response may still be readable
            }
            return request.readAll();
        }
    }
}
