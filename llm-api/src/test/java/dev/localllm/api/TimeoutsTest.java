package dev.localllm.api;

import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.Level;
import dev.localllm.ollama.simulator.Fault;
import dev.localllm.ollama.simulator.OllamaSimulator;
import dev.localllm.ollama.simulator.SimulatorSettings;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** Timeouts of clients and of the model server, and heartbeats. */
class TimeoutsTest {

    private static final String BEAT = ": waiting\n\n";

    @RegisterExtension
    static final TestServers SERVERS = new TestServers();

    /** One timeout for each test: no test reaches the timeout of another. */
    private static final String[] SHORT_TIMEOUTS = {
        "--HEADER_TIMEOUT=700ms", "--BODY_TIMEOUT=200ms", "--NON_STREAMING_TIMEOUT=300ms", "--WRITE_STALL_TIMEOUT=300ms"
    };

    private final OllamaSimulator simulator = SERVERS.simulator();

    @Test
    void keepsASilentStreamAlive() throws Exception {
        simulator.script(new Fault.Pauses(2, Duration.ofMillis(700)));
        String answer = stream("--HEARTBEAT_INTERVAL=100ms");

        assertThat(answer).endsWith("data: [DONE]\n\n\r\n0\r\n\r\n");
        String[] parts = answer.split(BEAT, -1);
        assertThat(parts.length - 1).isBetween(4, 7);
        assertThat(parts[0]).contains("data: {");
    }

    @Test
    void keepsAStreamAliveBeforeItsFirstToken() throws Exception {
        simulator.script(new Fault.SlowHeaders(Duration.ofMillis(500)));

        String answer = stream("--HEARTBEAT_INTERVAL=100ms");

        assertThat(answer.split(BEAT, -1).length - 1).isBetween(3, 5);
        assertThat(answer.substring(answer.indexOf("data: ")))
                .doesNotContain(BEAT)
                .endsWith("[DONE]\n\n\r\n0\r\n\r\n");
    }

    @Test
    void refusesHeadersThatArriveTooSlowly() throws Exception {
        try (RawRequest request = RawRequest.open(SERVERS.server(SHORT_TIMEOUTS).uri("/"))) {
            request.socket().setSoTimeout(100);
            request.send("GET /health HTTP/1.1\r\nHost: localhost\r\n");
            long start = System.nanoTime();
            while (!request.hasMore()
                    && Duration.ofNanos(System.nanoTime() - start).toSeconds() < 10) {
                request.send("X-Drip: 1\r\n");
            }
            request.socket().setSoTimeout(RawRequest.TIMEOUT_MILLIS);

            assertThat(request.readUntil("never")).as("closed").isFalse();
            assertThat(request.received())
                    .startsWith("HTTP/1.1 408")
                    .contains("\"type\":\"invalid_request_error\"", "HEADER_TIMEOUT");
            assertThat(Duration.ofNanos(System.nanoTime() - start)).isGreaterThan(Duration.ofMillis(600));
        }
    }

    @Test
    void sendsNoChunksToHttp10() throws Exception {
        try (RawRequest request = RawRequest.open(
                SERVERS.server("--WRITE_STALL_TIMEOUT=1s", "--IDLE_TIMEOUT=1s").uri("/"))) {
            request.send(RawRequest.chat(true, "Answer in 20 tokens").replace("HTTP/1.1", "HTTP/1.0"));

            assertThat(request.readUntil("never")).as("closed").isFalse();
            String[] parts = request.received().split("\r\n\r\n", 2);
            assertThat(parts[0]).startsWith("HTTP/1.1 200").doesNotContainIgnoringCase("transfer-encoding");
            assertThat(parts[1]).startsWith("data: {").endsWith("data: [DONE]\n\n");
        }
    }

    @Test
    void sendsNoHeartbeatWhileTokensArrive() throws Exception {
        try (OllamaSimulator speaking = OllamaSimulator.start(SimulatorSettings.atPace(20));
                TestServer server = new TestServer(speaking.baseUrl(), "--HEARTBEAT_INTERVAL=500ms");
                RawRequest request = RawRequest.chat(server.uri("/"), true, "Answer in 30 tokens")) {
            assertThat(request.readAll()).endsWith("[DONE]\n\n\r\n0\r\n\r\n").doesNotContain(BEAT);
        }
    }

    @Test
    void sendsAFailureAsFrameAfterAHeartbeat() throws Exception {
        simulator.script(new Fault.NeverAnswers());

        String answer = stream("--HEARTBEAT_INTERVAL=100ms", "--FIRST_TOKEN_TIMEOUT=350ms");

        assertThat(answer).startsWith("HTTP/1.1 200").contains(BEAT).contains("\"code\":\"first_token_timeout\"");
        assertThat(answer).doesNotContain("[DONE]").doesNotContain("\"delta\"");
    }

    @Test
    void sendsAFailureAsStatusBeforeTheFirstHeartbeat() throws Exception {
        simulator.script(new Fault.NeverAnswers());

        String answer = stream("--FIRST_TOKEN_TIMEOUT=200ms");

        assertThat(answer).startsWith("HTTP/1.1 504").contains("\"code\":\"first_token_timeout\"");
        assertThat(answer).containsIgnoringCase("x-should-retry: false");
    }

    @Test
    void endsASilentStreamInSpiteOfHeartbeats() throws Exception {
        simulator.script(new Fault.Stalls(2));

        String answer = stream("--HEARTBEAT_INTERVAL=50ms", "--IDLE_TIMEOUT=300ms");

        assertThat(answer.split(BEAT, -1).length - 1).isBetween(3, 6);
        assertThat(answer).contains("\"code\":\"idle_timeout\"").doesNotContain("[DONE]");
    }

    @Test
    void endsAStreamAfterTheTotalTimeout() throws Exception {
        simulator.script(new Fault.Stalls(2));

        assertThat(stream("--TOTAL_TIMEOUT=300ms"))
                .contains("\"code\":\"total_timeout\"")
                .doesNotContain("[DONE]");
    }

    @Test
    void advisesStreamingAfterTheNonStreamingTimeout() throws Exception {
        simulator.script(new Fault.Stalls(2));
        try (RawRequest request = RawRequest.chat(SERVERS.server(SHORT_TIMEOUTS).uri("/"), false, "Hello")) {
            assertThat(request.readAll())
                    .startsWith("HTTP/1.1 504")
                    .contains("\"code\":\"total_timeout\"")
                    .contains("stream:true");
        }
    }

    @Test
    void endsAConnectAttemptAfterItsTimeout() throws Exception {
        try (DeafServer deaf = new DeafServer();
                TestServer server = new TestServer(deaf.baseUrl(), "--MODEL_NAME=tiny", "--CONNECT_TIMEOUT=200ms");
                RawRequest request = RawRequest.chat(server.uri("/"), true, "Hello")) {
            assertThat(request.readAll()).startsWith("HTTP/1.1 504").contains("\"code\":\"connect_timeout\"");
        }
    }

    @Test
    void refusesABodyThatDoesNotArriveInTime() throws Exception {
        try (RawRequest request = RawRequest.open(SERVERS.server(SHORT_TIMEOUTS).uri("/"))) {
            request.send("POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                    + "Content-Length: 100\r\n\r\n{\"mess");

            assertThat(request.readAll()).startsWith("HTTP/1.1 408").contains("BODY_TIMEOUT");
        }
    }

    @Test
    void disconnectsAClientThatReadsNothing() throws Exception {
        TestServer server = SERVERS.server(SHORT_TIMEOUTS);
        try (CapturedLog log = new CapturedLog("dev.localllm.api.request.RequestFilter", Level.INFO);
                RawRequest request = RawRequest.openNarrow(server.uri("/"))) {
            request.send(RawRequest.chat(true, "Answer in 9999 tokens"));

            log.await(" client_slow id=");

            assertThat(request.readAll()).doesNotContain("[DONE]");
            assertThat(request.received().length())
                    .as("bytes in the socket buffers")
                    .isLessThan(1 << 20);
        }
    }

    @Test
    void letsASlowClientFinish() throws Exception {
        TestServer server = SERVERS.server("--WRITE_STALL_TIMEOUT=1s", "--IDLE_TIMEOUT=1s");
        try (RawRequest request = RawRequest.openNarrow(server.uri("/"))) {
            request.send(RawRequest.chat(true, "Answer in 600 tokens"));

            assertThat(request.readSlowly(2048, Duration.ofMillis(50))).endsWith("data: [DONE]\n\n\r\n0\r\n\r\n");
        }
    }

    private String stream(String... settings) throws Exception {
        try (RawRequest request = RawRequest.chat(SERVERS.server(settings).uri("/"), true, "Hello")) {
            return request.readAll();
        }
    }

    /** Accepts no connection, because its backlog is full. */
    static final class DeafServer implements AutoCloseable {

        private final ServerSocket listening = new ServerSocket(0, 1, InetAddress.getLoopbackAddress());
        private final List<Socket> queue = new ArrayList<>();

        DeafServer() throws IOException {
            for (int i = 0; i < 2; i++) {
                queue.add(new Socket(listening.getInetAddress(), listening.getLocalPort()));
            }
        }

        URI baseUrl() {
            return URI.create("http://127.0.0.1:" + listening.getLocalPort());
        }

        @Override
        public void close() throws IOException {
            for (Socket socket : queue) {
                socket.close();
            }
            listening.close();
        }
    }
}
