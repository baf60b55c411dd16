package dev.localllm.api;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/**
 * Clients that write a far too large body completely before they read still get the refusal. Twenty times as many with
 * {@code FULL=1}.
 */
class LargeBodyTest {

    private static final int ROUNDS = "1".equals(System.getenv("FULL")) ? 200 : 10;
    private static final byte[] PIECE = "a".repeat(64 << 10).getBytes(StandardCharsets.US_ASCII);
    private static final int PIECES = 800;
    private static final String POST =
            "POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n";

    @RegisterExtension
    static final TestServers SERVERS = new TestServers();

    private final TestServer server = SERVERS.server("--MAX_BODY_SIZE=1MB");

    @Test
    void areRefusedByTheirContentLength() throws Exception {
        for (int i = 0; i < ROUNDS; i++) {
            assertRefused("Content-Length: " + PIECES * PIECE.length, "", "", "");
        }
    }

    @Test
    void areRefusedByTheBytesThatArrive() throws Exception {
        for (int i = 0; i < ROUNDS; i++) {
            assertRefused(
                    "Transfer-Encoding: chunked", Integer.toHexString(PIECE.length) + "\r\n", "\r\n", "0\r\n\r\n");
        }
    }

    private void assertRefused(String header, String before, String after, String end) throws Exception {
        try (RawRequest request = RawRequest.open(server.uri("/"))) {
            request.send(POST + header + "\r\n\r\n");
            OutputStream out = request.socket().getOutputStream();
            for (int i = 0; i < PIECES; i++) {
                out.write(before.getBytes(StandardCharsets.US_ASCII));
                out.write(PIECE);
                out.write(after.getBytes(StandardCharsets.US_ASCII));
            }
            request.send(end);

            assertThat(request.readUntil("never")).as("closed").isFalse();
            assertThat(request.received()).startsWith("HTTP/1.1 413").endsWith("}");
        }
    }
}
