package dev.localllm.api;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.localllm.ollama.simulator.Fault;
import dev.localllm.ollama.simulator.OllamaSimulator;
import dev.localllm.ollama.simulator.Steps;
import java.net.SocketException;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;

/** Signals to real server processes. */
@Timeout(120)
class ShutdownTest {

    private static final int BY_SIGTERM = 128 + 15;

    @RegisterExtension
    static final TestServers SERVERS = new TestServers();

    private final OllamaSimulator simulator = SERVERS.simulator();

    @Test
    void letsARunningAnswerFinish() throws Exception {
        try (ServerProcess server = new ServerProcess(simulator.baseUrl())) {
            server.uri("/");
            Steps steps = simulator.hold();
            try (RawRequest request = RawRequest.chat(server.uri("/"), true, "Answer in 5 tokens")) {
                steps.release(1);
                request.readUntil("data: ");

                server.terminate();
                awaitRefused(server);
                steps.release(5);

                assertThat(request.readAll()).contains("data: [DONE]\n\n");
                assertThat(server.exitCode()).isEqualTo(BY_SIGTERM);
            }
        }
    }

    @Test
    void sendsAnErrorFrameToAnAnswerThatTakesTooLong() throws Exception {
        try (ServerProcess server = new ServerProcess(simulator.baseUrl(), "--SHUTDOWN_TIMEOUT=500ms")) {
            simulator.script(new Fault.Stalls(1), new Fault.NeverAnswers());
            try (RawRequest streamed = RawRequest.chat(server.uri("/"), true, "Hello")) {
                streamed.readUntil("data: ");
                try (RawRequest nonStreaming = RawRequest.chat(server.uri("/"), false, "Hello")) {
                    SERVERS.awaitOpen(2);

                    server.terminate();

                    assertThat(streamed.readAll())
                            .contains("\"code\":\"shutting_down\"")
                            .doesNotContain("[DONE]");
                    assertThat(nonStreaming.readAll())
                            .startsWith("HTTP/1.1 503")
                            .contains("\"code\":\"shutting_down\"");
                    assertThat(server.exitCode()).isEqualTo(BY_SIGTERM);
                }
            }
        }
    }

    @Test
    void endsInTimeAndLogsAClientThatDoesNotRead() throws Exception {
        try (ServerProcess server = new ServerProcess(simulator.baseUrl(), "--SHUTDOWN_TIMEOUT=500ms");
                RawRequest deaf = RawRequest.openNarrow(server.uri("/"))) {
            deaf.send(RawRequest.chat(true, "Answer in 8000 tokens", "deaf")).readUntil("data: ");

            server.terminate();
            long start = System.nanoTime();

            assertThat(server.exitCode()).isEqualTo(BY_SIGTERM);
            assertThat(Duration.ofNanos(System.nanoTime() - start)).isLessThan(Duration.ofMillis(500 + 5000));
            assertThat(server.output()).contains("id=deaf").doesNotContain("ERROR");
        }
    }

    @Test
    void closesUpstreamConnectionsWhenOneOfTwoServersIsKilled() throws Exception {
        try (ServerProcess victim = new ServerProcess(simulator.baseUrl());
                ServerProcess survivor = new ServerProcess(simulator.baseUrl())) {
            simulator.script(new Fault.Stalls(1), new Fault.NeverAnswers());
            try (RawRequest streamed = RawRequest.chat(victim.uri("/"), true, "Hello")) {
                streamed.readUntil("data: ");
                try (RawRequest waiting = RawRequest.chat(victim.uri("/"), true, "Hello")) {
                    SERVERS.awaitOpen(2);

                    victim.kill();

                    SERVERS.awaitOpen(0);
                    assertThat(waiting.readAll()).isEmpty();
                }
            }
            try (RawRequest other = RawRequest.chat(survivor.uri("/"), true, "Hello")) {
                assertThat(other.readAll()).contains("data: [DONE]\n\n");
            }
        }
    }

    /** Waits until the stopping server accepts no connection; one that was just accepted is reset. */
    private static void awaitRefused(ServerProcess server) throws Exception {
        assertThatThrownBy(() -> {
                    while (true) {
                        RawRequest.open(server.uri("/")).close();
                    }
                })
                .isInstanceOf(SocketException.class);
    }
}
