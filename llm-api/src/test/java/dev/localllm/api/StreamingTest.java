package dev.localllm.api;

import static org.assertj.core.api.Assertions.assertThat;

import dev.localllm.ollama.CannedServer;
import dev.localllm.ollama.Recording;
import dev.localllm.ollama.simulator.Fault;
import dev.localllm.ollama.simulator.OllamaSimulator;
import dev.localllm.ollama.simulator.Steps;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.net.Socket;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

class StreamingTest {

    @RegisterExtension
    static final TestServers SERVERS = new TestServers();

    private static final int TIMEOUT_MILLIS = 10_000;
    private static final int TOKENS = 20;

    @Test
    void receivesEachTokenBeforeTheNextIsSent() throws Exception {
        Steps steps = SERVERS.simulator().hold();
        try (Socket socket = post(
                SERVERS.server().uri("/v1/chat/completions"),
                "{\"stream\":true,\"messages\":[{\"role\":\"user\",\"content\":\"Say " + TOKENS + " tokens\"}]}")) {
            BufferedReader reader = reader(socket);
            String first = "";
            for (int k = 0; k < TOKENS; k++) {
                steps.release(1);
                if (k == 0) {
                    first = nextData(reader);
                    assertThat(delta(first).path("role").asString()).isEqualTo("assistant");
                }
                assertThat(delta(nextData(reader)).path("content").asString()).isNotEmpty();
            }
            steps.release(1);
            assertThat(JsonMapper.shared()
                            .readTree(nextData(reader))
                            .at("/choices/0/finish_reason")
                            .asString())
                    .isEqualTo("stop");
            assertThat(nextData(reader)).isEqualTo("[DONE]");
        }
    }

    @Test
    void writesTheTokensOfOneReadAsOneChunk() throws Exception {
        try (CannedServer ollama =
                        CannedServer.thatLoads(Recording.load("02-chat-stream").response());
                TestServer server = new TestServer(ollama.baseUrl(), "--MODEL_NAME=tiny");
                Socket socket = post(
                        server.uri("/v1/chat/completions"),
                        "{\"stream\":true,\"messages\":[{\"role\":\"user\",\"content\":\"Hi\"}]}")) {
            String answer = untilEndOfChunks(socket.getInputStream());

            assertThat(answer).startsWith("HTTP/1.1 200 OK").contains("Content-Type: text/event-stream\r\n");
            assertThat(answer).doesNotContain("Content-Length").contains("transfer-encoding: chunked");
            String body = answer.substring(answer.indexOf("\r\n\r\n") + 4);
            int size = Integer.parseInt(body.substring(0, body.indexOf("\r\n")), 16);
            assertThat(body.substring(body.indexOf("\r\n") + 2 + size)).isEqualTo("\r\n0\r\n\r\n");
            assertThat(body.split("\ndata: ")).hasSize(1 + 1 + 16 + 2);
        }
    }

    @Test
    void endsTheGenerationWhenTheCallerLeaves() throws Exception {
        OllamaSimulator simulator = SERVERS.simulator();
        simulator.script(new Fault.Stalls(2));
        Socket socket = post(
                SERVERS.server().uri("/v1/chat/completions"),
                "{\"stream\":true,\"messages\":[{\"role\":\"user\",\"content\":\"Hi\"}]}");
        nextData(reader(socket));
        assertThat(simulator.openExchanges()).isEqualTo(1);

        socket.close();

        SERVERS.awaitOpen(0);
        assertThat(simulator.openExchanges()).isZero();
    }

    private static Socket post(URI uri, String json) throws IOException {
        Socket socket = new Socket(uri.getHost(), uri.getPort());
        socket.setSoTimeout(TIMEOUT_MILLIS);
        OutputStream out = socket.getOutputStream();
        String request = "POST " + uri.getPath()
                + " HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: " + json.length()
                + "\r\n\r\n" + json;
        out.write(request.getBytes(StandardCharsets.UTF_8));
        out.flush();
        return socket;
    }

    private static BufferedReader reader(Socket socket) throws IOException {
        return new BufferedReader(new InputStreamReader(socket.getInputStream(), StandardCharsets.UTF_8));
    }

    private static String nextData(BufferedReader reader) throws IOException {
        for (String line = reader.readLine(); line != null; line = reader.readLine()) {
            if (line.startsWith("data: ")) {
                return line.substring("data: ".length());
            }
        }
        throw new AssertionError("the stream ended");
    }

    private static JsonNode delta(String data) {
        return JsonMapper.shared().readTree(data).at("/choices/0/delta");
    }

    private static String untilEndOfChunks(InputStream in) throws IOException {
        StringBuilder answer = new StringBuilder();
        while (answer.indexOf("\r\n0\r\n\r\n") < 0) {
            int b = in.read();
            assertThat(b).isNotNegative();
            answer.append((char) b);
        }
        return answer.toString();
    }
}
