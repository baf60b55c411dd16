package dev.localllm.api;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** Several requests on one connection. */
class KeepAliveTest {

    @RegisterExtension
    static final TestServers SERVERS = new TestServers();

    /** The response comes from another thread. */
    private static final String MODELS = request("GET /v1/models");

    /** The response is sent while the server reads the request. */
    private static final String PREFLIGHT = request(
            "OPTIONS /v1/chat/completions", "Origin: http://localhost:3000", "Access-Control-Request-Method: POST");

    private static final String HEALTH = request("GET /health");

    /** A client may send its next request before the server has finished the last one. */
    @Test
    void readsTheNextRequestAfterAPipelinedOne() throws Exception {
        try (RawRequest connection = RawRequest.open(SERVERS.server().uri("/"))) {
            connection.send(MODELS + PREFLIGHT);
            assertThat(connection.readUntil("Access-Control-Allow-Methods: ")).isTrue();

            connection.send(HEALTH);

            assertThat(connection.readUntil("\"environment\"")).isTrue();
        }
    }

    private static String request(String target, String... headers) {
        return target + " HTTP/1.1\r\nHost: localhost\r\n"
                + Stream.of(headers).map(header -> header + "\r\n").collect(Collectors.joining()) + "\r\n";
    }
}
