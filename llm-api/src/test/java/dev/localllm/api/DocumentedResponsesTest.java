package dev.localllm.api;

import static org.assertj.core.api.Assertions.assertThat;

import dev.localllm.api.contract.OpenApi;
import dev.localllm.ollama.CannedServer;
import java.io.IOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/** Causes each response of the OpenAPI document, by its own examples of requests. */
class DocumentedResponsesTest {

    @RegisterExtension
    static final TestServers SERVERS = new TestServers();

    private static final OpenApi DOCUMENT = OpenApi.read();
    private static final byte[] NO_HTTP = "SSH-2.0-OpenSSH_9.2\r\n".getBytes(StandardCharsets.US_ASCII);

    private static TimeoutsTest.DeafServer deaf;
    private static CannedServer canned;
    private static FailureTableTest.ClosedPort closed;

    @BeforeAll
    static void open() throws IOException {
        deaf = new TimeoutsTest.DeafServer();
        canned = new CannedServer(NO_HTTP);
        closed = new FailureTableTest.ClosedPort();
    }

    @AfterAll
    static void close() throws IOException {
        deaf.close();
        canned.close();
        closed.close();
    }

    /** What one documented response is of. */
    private record Documented(String method, String path, int status, String type) {

        static Documented of(String name) {
            String[] parts = name.split(" ", -1);
            return new Documented(parts[0], parts[1], Integer.parseInt(parts[2]), parts[3]);
        }

        boolean isStream() {
            return type.equals("text/event-stream");
        }
    }

    static Stream<String> documented() {
        return DOCUMENT.documented().stream();
    }

    @ParameterizedTest
    @MethodSource("documented")
    void occurs(String name) throws Exception {
        Documented documented = Documented.of(name);
        String request = request(documented);
        try (RawRequest sent = RawRequest.open(server(documented).uri("/"))) {
            if (documented.status == 429) {
                sent.send(request).readAll();
                sent.clearReceived();
            }
            String response = sent.send(request).readAll();

            assertThat(response).startsWith("HTTP/1.1 " + documented.status + " ");
            assertThat(response).containsIgnoringCase("content-type: " + documented.type);
        }
    }

    private static TestServer server(Documented documented) {
        return switch (documented.status) {
            case 404 -> SERVERS.server("--API_DOCS=off");
            case 408 -> SERVERS.server("--BODY_TIMEOUT=200ms");
            case 413 -> SERVERS.server("--MAX_BODY_SIZE=1KB");
            case 429 -> SERVERS.server("--RATE_LIMIT_RPM=1");
            case 502 -> deadEnd(canned.baseUrl());
            case 503 -> deadEnd(closed.baseUrl());
            case 504 -> deadEnd(deaf.baseUrl());
            default -> SERVERS.server();
        };
    }

    private static TestServer deadEnd(URI modelServer) {
        return SERVERS.serverFor(modelServer, "--CONNECT_TIMEOUT=300ms");
    }

    private static String request(Documented documented) {
        String body = documented.method.equals("POST") ? body(documented) : "";
        String headers = "Host: " + (documented.status == 403 ? "evil.example.com" : "localhost") + "\r\n"
                + (documented.status == 400 ? "Host: other\r\n" : "")
                + (documented.status == 406 ? "Accept: text/csv\r\n" : "")
                + (documented.status == 431 ? "x-long: " + "a".repeat(20_000) + "\r\n" : "")
                + "x-client-id: " + documented.path.replace('/', '-') + "\r\n"
                + (body.isEmpty()
                        ? ""
                        : "Content-Type: " + (documented.status == 415 ? "text/plain" : "application/json")
                                + "\r\nContent-Length: " + body.length() + "\r\n");
        return documented.method + " " + path(documented) + " HTTP/1.1\r\n" + headers + "\r\n"
                + (documented.status == 408 ? body.substring(1) : body);
    }

    private static String path(Documented documented) {
        boolean isFound = documented.status != 404;
        return documented.path.replace("{id}", isFound ? "simulator" : "unknown/model");
    }

    /** The example of the document, in ASCII. */
    private static String body(Documented documented) {
        ObjectNode body = (ObjectNode) DOCUMENT.exampleOfRequest(documented.path, documented.isStream());
        if (documented.path.equals("/v1/embeddings")) {
            body.put("model", "simulator-embed");
        }
        if (documented.status == 404) {
            body.put("model", "unknown");
        }
        if (documented.status == 413) {
            body.put("user", "a".repeat(2000));
        }
        return JsonMapper.shared().writeValueAsString(body);
    }
}
