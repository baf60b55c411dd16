package dev.localllm.api;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import java.net.ConnectException;
import java.net.InetAddress;
import java.net.NetworkInterface;
import java.net.Socket;
import java.net.URI;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Addresses and hosts on which the server can be reached. */
class ListeningTest {

    @RegisterExtension
    static final TestServers SERVERS = new TestServers();

    private final TestServer onLoopback = SERVERS.server("--ALLOWED_HOSTS=studio, mac-mini.local");

    @Test
    void listensOnLoopbackByDefault() throws Exception {
        try (ServerProcess server = new ServerProcess(SERVERS.simulator().baseUrl())) {
            int port = server.uri("/").getPort();

            assertThat(server.output()).contains(" listens on 127.0.0.1 port " + port + " ");
            InetAddress other = addressOfThisMachine();
            assertThatExceptionOfType(ConnectException.class).isThrownBy(() -> new Socket(other, port));
        }
    }

    @Test
    void listensOnTheConfiguredAddress() throws Exception {
        try (ServerProcess server = new ServerProcess(SERVERS.simulator().baseUrl(), "--SERVER_ADDRESS=0.0.0.0")) {
            int port = server.uri("/").getPort();

            assertThat(server.output()).contains(" listens on 0.0.0.0 port " + port + " ");
            URI other = URI.create("http://" + addressOfThisMachine().getHostAddress() + ":" + port);
            assertThat(health(other, "any.example.com")).startsWith("HTTP/1.1 200");
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "localhost",
                "LocalHost.:8000",
                "app.localhost:3000",
                "127.0.0.1:8000",
                "127.1.2.3",
                "[::1]:8000",
                "host.docker.internal:8000",
                "mac-mini.local",
                "MAC-MINI.local:8000"
            })
    void servesLoopbackHostsOnLoopback(String host) throws Exception {
        assertThat(health(onLoopback.uri("/"), host)).startsWith("HTTP/1.1 200");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "evil.example.com",
                "localhost.evil.com",
                "127.0.0.1.evil.com",
                "evillocalhost",
                "192.168.1.10:8000",
                "0.0.0.0",
                "[2001:db8::1]",
                "mac-mini",
                ""
            })
    void refusesOtherHostsOnLoopback(String host) throws Exception {
        String refused = health(onLoopback.uri("/"), host);

        assertThat(refused).startsWith("HTTP/1.1 403").contains("'" + host + "'", "ALLOWED_HOSTS");
    }

    private static String health(URI server, String host) throws Exception {
        try (RawRequest request = RawRequest.open(server)) {
            return request.send("GET /health HTTP/1.1\r\nHost: " + host + "\r\n\r\n")
                    .readAll();
        }
    }

    /** An address of this machine other than loopback. */
    private static InetAddress addressOfThisMachine() throws Exception {
        return NetworkInterface.networkInterfaces()
                .flatMap(NetworkInterface::inetAddresses)
                .filter(address -> !address.isLoopbackAddress() && address.getAddress().length == 4)
                .findFirst()
                .orElseGet(() -> Assumptions.abort("this machine has no address but loopback"));
    }
}
