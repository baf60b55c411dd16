package dev.localllm.api;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.extension.RegisterExtension;

/** A client that closes its output right after its request. */
class HalfCloseTest {

    @RegisterExtension
    static final TestServers SERVERS = new TestServers();

    /** Sent while the server reads the request. */
    private static final String REFUSAL = "POST /v1/chat/completions HTTP/1.1\r\nHost: evil.example\r\n\r\n";

    /** Netty may read the request and its end in one event, and then closes the connection right after it. */
    @RepeatedTest(100)
    void getsARefusal() throws Exception {
        try (RawRequest client = RawRequest.open(SERVERS.server().uri("/"))) {
            client.send(REFUSAL).socket().shutdownOutput();

            assertThat(client.readUntil(" 403 ")).isTrue();
        }
    }
}
