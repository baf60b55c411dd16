package dev.localllm.api;

import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.Level;
import dev.localllm.ollama.simulator.Fault;
import dev.localllm.ollama.simulator.OllamaSimulator;
import java.time.Duration;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** A malformed request gets a readable response; then the connection is closed. */
class MalformedRequestTest {

    private static final String POST = "POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\n";

    @RegisterExtension
    static final TestServers SERVERS = new TestServers();

    private final OllamaSimulator simulator = SERVERS.simulator();
    private final TestServer server = SERVERS.server();

    static Stream<Arguments> requests() {
        return Stream.of(
                Arguments.of("not HTTP", 400, "garbage\r\n\r\n"),
                Arguments.of("TLS", 400, "\u0016\u0003\u0001\u0002\r\n\r\n"),
                Arguments.of("long path", 414, "GET /" + "a".repeat(20_000) + " HTTP/1.1\r\nHost: localhost\r\n\r\n"),
                Arguments.of("long header", 431, "GET /health HTTP/1.1\r\nX: " + "a".repeat(20_000) + "\r\n\r\n"),
                Arguments.of("many headers", 431, "GET /health HTTP/1.1\r\n" + "X-A: b\r\n".repeat(5000) + "\r\n"),
                Arguments.of("odd header", 400, "GET /health HTTP/1.1\r\nHost: localhost\r\nX\u0001Y: 1\r\n\r\n"),
                Arguments.of("odd length", 400, POST + "Content-Length: many\r\n\r\n"),
                Arguments.of("two lengths", 400, POST + "Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}"),
                Arguments.of("odd encoding", 400, POST + "Transfer-Encoding: xchunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n"),
                Arguments.of("two encodings", 400, POST + "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"),
                Arguments.of("HTTP/2", 400, "GET /health HTTP/2.0\r\nHost: localhost\r\n\r\n"),
                Arguments.of("bad host", 400, "GET /health HTTP/1.1\r\nHost: [::1\r\n\r\n"),
                Arguments.of("no host", 400, "GET /health HTTP/1.1\r\n\r\n"),
                Arguments.of("two hosts", 400, "GET /health HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\n\r\n"),
                Arguments.of("bad escape", 400, "GET /a%zz HTTP/1.1\r\nHost: localhost\r\n\r\n"),
                Arguments.of(
                        "odd chunk after all of the JSON",
                        400,
                        POST + "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n30\r\n"
                                + "{\"messages\":[{\"role\":\"user\",\"content\":\"Hello\"}]}\r\nzz\r\n"),
                Arguments.of(
                        "odd chunk",
                        400,
                        POST + "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"));
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("requests")
    void isRefused(String name, int status, String text) throws Exception {
        try (CapturedLog log = new CapturedLog("ROOT", Level.WARN);
                RawRequest request = RawRequest.open(server.uri("/"))) {
            request.send(text);

            assertThat(request.readUntil("never")).as("closed").isFalse();
            String answer = request.received();
            assertThat(request.status()).as(answer).isEqualTo(status);
            assertThat(answer).containsIgnoringCase("x-request-id: ").containsIgnoringCase("connection: close");
            JsonNode error = JsonMapper.shared()
                    .readTree(answer.substring(answer.indexOf("\r\n\r\n")))
                    .path("error");
            assertThat(error.path("type").asString()).isEqualTo("invalid_request_error");
            assertThat(error.path("message").asString()).isNotBlank();
            assertThat(log.messages()).allMatch(line -> line.contains(" id="));
        }
    }

    /** The running response is completed before the refusal, or the connection is closed without a refusal. */
    @ParameterizedTest
    @ValueSource(strings = {"garbage\r\n\r\n", "GET / HTTP/2.0\r\n\r\n", "GET / HTTP/1.1\r\nHost: [::1\r\n\r\n"})
    void doesNotMixWithTheResponseBeforeIt(String text) throws Exception {
        for (boolean begun : new boolean[] {false, true}) {
            try (RawRequest request = RawRequest.open(server.uri("/"))) {
                String chat = RawRequest.chat(true, "Answer in 9999 tokens");
                if (begun) {
                    request.send(chat).readUntil("data: ");
                    request.send(text);
                } else {
                    request.send(chat + text);
                }

                assertThat(request.readUntil("never")).as("closed").isFalse();
                String received = request.received();
                int refusal = received.indexOf("HTTP/1.1 4");
                String answer = refusal < 0 ? received : received.substring(0, refusal);
                assertThat(answer).doesNotContain("invalid_request_error");
                if (refusal >= 0) {
                    assertThat(answer).endsWith("data: [DONE]\n\n\r\n0\r\n\r\n");
                }
            }
        }
    }

    @Test
    void ignoresAnEmptyLineAfterARequest() throws Exception {
        TestServer impatient = SERVERS.server("--HEADER_TIMEOUT=200ms");
        try (RawRequest request = RawRequest.open(impatient.uri("/"))) {
            simulator.script(new Fault.Pauses(2, Duration.ofMillis(600)));
            request.send(RawRequest.chat(true, "Hello")).readUntil("data: ");
            request.send("\r\n");

            assertThat(request.readAll()).endsWith("data: [DONE]\n\n\r\n0\r\n\r\n");
        }
    }

    @Test
    void limitsPipelinedBodies() throws Exception {
        try (RawRequest request = RawRequest.open(server.uri("/"))) {
            simulator.script(new Fault.Stalls(1));
            request.send(RawRequest.chat(true, "Hello")).readUntil("data: ");
            request.send(POST + "Content-Length: 100000\r\n\r\n" + "a".repeat(50_000));

            assertThat(request.readUntil("never")).as("closed").isFalse();
        }
    }

    @Test
    void doesNotCount100ContinueAsAResponse() throws Exception {
        try (RawRequest request = RawRequest.open(server.uri("/"))) {
            String[] chat = RawRequest.chat(false, "Hello").split("\r\n\r\n", 2);
            request.send(chat[0] + "\r\nExpect: 100-continue\r\n\r\n").readUntil("100 Continue\r\n\r\n");
            request.send(chat[1]).readUntil("\"finish_reason\":\"stop\"");

            request.send(RawRequest.chat(true, "Answer in 9999 tokens") + "garbage\r\n\r\n");

            request.readUntil("never");
            assertThat(request.received()).doesNotContain("HTTP/1.1 400");
        }
    }
}
