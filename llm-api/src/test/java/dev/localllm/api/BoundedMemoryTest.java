package dev.localllm.api;

import static org.assertj.core.api.Assertions.assertThat;

import dev.localllm.ollama.CannedServer;
import dev.localllm.ollama.simulator.OllamaSimulator;
import dev.localllm.ollama.simulator.SimulatorSettings;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Memory that the server uses for a model server whose response never ends. */
@Timeout(60)
class BoundedMemoryTest {

    /** Limit for the server's buffers and the socket buffers of both systems. */
    private static final long MAX_BYTES = 16 << 20;

    private static final Duration TIMEOUT = Duration.ofSeconds(20);

    @Test
    void stopsReadingForAClientThatReadsNothing() throws Exception {
        try (EndlessServer ollama = new EndlessServer();
                TestServer server = new TestServer(ollama.baseUrl(), "--MODEL_NAME=tiny", "--STREAM_BUFFER=1MB");
                RawRequest deaf = RawRequest.openNarrow(server.uri("/"))) {
            deaf.send(RawRequest.chat(true, "Hello"));

            System.out.println("BoundedMemoryTest: took " + ollama.bytesUntilStall() / 1024 + " KiB");
            assertThat(ollama.sent.get()).isBetween(1L << 19, MAX_BYTES);
        }
    }

    @Test
    void readsAheadOfAClientThatReadsNothing() throws Exception {
        try (EndlessServer ollama = new EndlessServer();
                TestServer server = new TestServer(ollama.baseUrl(), "--MODEL_NAME=tiny", "--STREAM_BUFFER=32MB");
                RawRequest deaf = RawRequest.openNarrow(server.uri("/"))) {
            deaf.send(RawRequest.chat(true, "Hello"));

            assertThat(ollama.bytesUntilStall()).isGreaterThan(MAX_BYTES);
        }
    }

    @Test
    void sendsASlowClientTheCompleteAnswer() throws Exception {
        try (OllamaSimulator simulator = OllamaSimulator.start(SimulatorSettings.unpaced());
                TestServer server = new TestServer(simulator.baseUrl(), "--STREAM_BUFFER=4MB");
                RawRequest slow = RawRequest.openNarrow(server.uri("/"))) {
            slow.send(RawRequest.chat(true, "Answer in 5000 tokens"));
            simulator.openExchangesOverTime().filter(open -> open == 1).blockFirst(TIMEOUT);
            simulator.openExchangesOverTime().filter(open -> open == 0).blockFirst(TIMEOUT);

            assertThat(slow.readAll()).endsWith("data: [DONE]\n\n\r\n0\r\n\r\n");
            assertThat(slow.received().split("\"content\":\"")).hasSize(5002);
        }
    }

    @Test
    void refusesANonStreamingAnswerThatIsTooLarge() throws Exception {
        try (EndlessServer ollama = new EndlessServer();
                TestServer server = new TestServer(ollama.baseUrl(), "--MODEL_NAME=tiny");
                RawRequest nonStreaming = RawRequest.chat(server.uri("/"), false, "Hello")) {
            assertThat(nonStreaming.readAll()).startsWith("HTTP/1.1 502").contains("upstream_protocol_error");
        }
    }

    @Test
    void refusesABodyThatWouldBecomeManyObjects() throws Exception {
        try (EndlessServer ollama = new EndlessServer();
                TestServer server = new TestServer(ollama.baseUrl(), "--MODEL_NAME=tiny")) {
            HttpResponse<String> response =
                    server.post("/v1/chat/completions", "{\"messages\":[" + "{},".repeat(60_000) + "{}]}");

            assertThat(response.statusCode()).isEqualTo(400);
            assertThat(response.body()).contains("Token count");
        }
    }

    /** Sends tokens as long as they are read. */
    private static final class EndlessServer implements AutoCloseable {

        private final ServerSocket listening = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
        private final AtomicLong sent = new AtomicLong();

        EndlessServer() throws IOException {
            Thread.ofVirtual().start(() -> {
                while (!listening.isClosed()) {
                    answer();
                }
            });
        }

        private void answer() {
            try (var socket = listening.accept()) {
                byte[] request = new byte[8192];
                int length = Math.max(0, socket.getInputStream().read(request));
                String received = new String(request, 0, length, StandardCharsets.UTF_8);
                if (!received.startsWith("POST /api/chat ")) {
                    return;
                }
                OutputStream out = socket.getOutputStream();
                if (received.contains("\"messages\":[]")) {
                    out.write(CannedServer.LOADED);
                    return;
                }
                out.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n".getBytes(StandardCharsets.UTF_8));
                String line = "{\"model\":\"tiny\",\"created_at\":\"2026-11-23T08:41:32Z\",\"message\":"
                        + "{\"role\":\"assistant\",\"content\":\"" + " token".repeat(20) + "\"},\"done\":false}\n";
                String chunk = Integer.toHexString(line.length()) + "\r\n" + line + "\r\n";
                byte[] chunks = chunk.repeat(100).getBytes(StandardCharsets.UTF_8);
                while (true) {
                    out.write(chunks);
                    sent.addAndGet(chunks.length);
                }
            } catch (IOException e) {
                // the server under test closed the connection
            }
        }

        URI baseUrl() {
            return URI.create("http://127.0.0.1:" + listening.getLocalPort());
        }

        /** Bytes sent when nothing was read for a second, or when the limit is exceeded. */
        long bytesUntilStall() throws InterruptedException {
            long before = -1;
            while ((before < sent.get() || before < 1) && sent.get() <= MAX_BYTES) {
                before = sent.get();
                Thread.sleep(1000);
            }
            return sent.get();
        }

        @Override
        public void close() throws IOException {
            listening.close();
        }
    }
}
