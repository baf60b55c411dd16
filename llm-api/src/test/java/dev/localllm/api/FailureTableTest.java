package dev.localllm.api;

import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.Level;
import dev.localllm.ollama.CannedServer;
import dev.localllm.ollama.simulator.Fault;
import dev.localllm.ollama.simulator.OllamaSimulator;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/**
 * Every way an answer can end, tested on the complete server, one table row each. Fails if the table in
 * docs/reliability.md differs in anything but milliseconds. {@code ./mvnw verify -Dreliability.write=true} rewrites it;
 * then read the diff.
 */
class FailureTableTest {

    @RegisterExtension
    static final TestServers SERVERS = new TestServers();

    private static final Path DOCUMENT = Path.of("../docs/reliability.md");
    private static final String BEGIN = "<!-- written by FailureTableTest -->\n";
    private static final String END = "<!-- end -->";
    private static final String LOG = "dev.localllm.api.request.RequestFilter";
    private static final String TRIED = "tried"; // id of the request that a row describes, not of the probes after it
    private static final long NOT_MEASURED = -1; // the next request fails, too
    private static final long FREE_WITHIN_MILLIS = 2000;
    static final String[] SETTINGS = {
        "--MODEL_NAME=simulator",
        "--MAX_CONCURRENT_REQUESTS=1",
        "--CONNECT_TIMEOUT=300ms",
        "--FIRST_TOKEN_TIMEOUT=500ms",
        "--IDLE_TIMEOUT=500ms",
        "--WRITE_STALL_TIMEOUT=300ms",
        "--SHUTDOWN_TIMEOUT=300ms"
    };

    private final OllamaSimulator simulator = SERVERS.simulator();
    private final TestServer server = SERVERS.server(SETTINGS);
    private final List<String> rows = new ArrayList<>();

    /** Action of the client after it has sent its request. */
    private interface Client {
        void act(RawRequest request, OllamaSimulator simulator) throws Exception;
    }

    @Test
    void matchesTheDocument() throws Exception {
        everyFaultOfTheConnection();
        everyFaultOfOllama();
        everyFaultOfTheClient();
        shutdown();

        String table = table(rows);
        System.out.println(table);
        String document = Files.readString(DOCUMENT);
        int from = document.indexOf(BEGIN) + BEGIN.length();
        int to = document.indexOf(END);
        if (Boolean.getBoolean("reliability.write")) {
            Files.writeString(DOCUMENT, document.substring(0, from) + table + document.substring(to));
        } else {
            assertThat(withoutMillis(table)).isEqualTo(withoutMillis(document.substring(from, to)));
        }
    }

    static String table(List<String> rows) {
        return "| what goes wrong | when | stream | the client gets | free again after | the log says |\n"
                + "|---|---|---|---|---|---|\n" + String.join("\n", joined(rows)) + "\n";
    }

    private void everyFaultOfTheConnection() throws Exception {
        try (TimeoutsTest.DeafServer deaf = new TimeoutsTest.DeafServer();
                ResettingServer resetting = new ResettingServer();
                CannedServer canned = new CannedServer("SSH-2.0-OpenSSH_9.2\r\n".getBytes(StandardCharsets.US_ASCII));
                ClosedPort closed = new ClosedPort();
                TestServer toNobody = new TestServer(closed.baseUrl(), SETTINGS);
                TestServer toDeaf = new TestServer(deaf.baseUrl(), SETTINGS);
                TestServer toResetting = new TestServer(resetting.baseUrl(), SETTINGS);
                TestServer toCanned = new TestServer(canned.baseUrl(), SETTINGS)) {
            for (boolean stream : new boolean[] {true, false}) {
                row("refused", "connecting", stream, toNobody);
                row("no answer to connecting", "connecting", stream, toDeaf);
                row("reset", "before the headers", stream, toResetting);
                row("not HTTP", "before the headers", stream, toCanned);
            }
        }
    }

    private void everyFaultOfOllama() throws Exception {
        for (boolean stream : new boolean[] {true, false}) {
            row("status 404", "before the first token", stream, new Fault.Refuses(404, "model 'simulator' not found"));
            row("status 500", "before the first token", stream, new Fault.Refuses(500, "llama runner has terminated"));
            row("status 503", "before the first token", stream, new Fault.Refuses(503, "server busy"));
            row("never answers", "before the first token", stream, new Fault.NeverAnswers());
            row("slow headers", "before the first token", stream, new Fault.SlowHeaders(Duration.ofMillis(100)));
            row("garbage", "before the first token", stream, new Fault.SendsGarbage(0));
            row("error line", "before the first token", stream, new Fault.SendsError(0));
            row("end without done", "before the first token", stream, new Fault.EndsEarly(0));
            row("stall", "streaming", stream, new Fault.Stalls(3));
            row("reset", "streaming", stream, new Fault.Drops(3));
            row("cut in mid-line", "streaming", stream, new Fault.CutsLine(3));
            row("garbage", "streaming", stream, new Fault.SendsGarbage(3));
            row("error line", "streaming", stream, new Fault.SendsError(3));
            row("end without done", "streaming", stream, new Fault.EndsEarly(3));
        }
    }

    private void everyFaultOfTheClient() throws Exception {
        Client leaves = (request, simulator) -> request.close();
        Client resets = (request, simulator) -> request.reset();
        Client halfCloses = (request, simulator) -> {
            request.socket().shutdownOutput();
            request.readAll();
        };
        for (boolean stream : new boolean[] {true, false}) {
            goneRows("client leaves", stream, leaves);
            goneRows("client resets", stream, resets);
            goneRows("client half-closes", stream, halfCloses);
        }
        try (CapturedLog log = new CapturedLog(LOG, Level.INFO);
                RawRequest request = RawRequest.openNarrow(server.uri("/"))) {
            request.send(RawRequest.chat(true, "Answer in 9999 tokens"));
            String line = log.await(" client_slow id=");
            rows.add(cells("client takes nothing", "streaming", true, "closed", free(server, simulator), logged(line)));
        }
    }

    private void goneRows(String what, boolean stream, Client goes) throws Exception {
        row(what, "before the first token", stream, new Fault.NeverAnswers(), (request, simulator) -> {
            awaitOpen(simulator, 1);
            goes.act(request, simulator);
        });
        row(what, "streaming", stream, new Fault.Stalls(3), (request, simulator) -> {
            awaitOpen(simulator, 1);
            if (stream) {
                request.readUntil("data: ");
            }
            goes.act(request, simulator);
        });
    }

    private void shutdown() throws Exception {
        simulator.script(new Fault.Stalls(3));
        TestServer stopping = new TestServer(simulator.baseUrl(), "--MODEL_NAME=simulator", "--SHUTDOWN_TIMEOUT=300ms");
        try (CapturedLog log = new CapturedLog(LOG, Level.INFO);
                RawRequest request = RawRequest.open(stopping.uri("/"))) {
            request.send(RawRequest.chat(true, "Hello", TRIED)).readUntil("data: ");
            Thread closing = Thread.ofPlatform().start(stopping::close);
            request.readAll();
            closing.join();
            awaitOpen(simulator, 0);
            rows.add(cells(
                    "SIGTERM, time is over",
                    "streaming",
                    true,
                    got(request),
                    NOT_MEASURED,
                    logged(log.await("id=" + TRIED))));
        }
    }

    private void row(String what, String when, boolean stream, Fault fault) throws Exception {
        row(what, when, stream, fault, (request, simulator) -> request.readAll());
    }

    private void row(String what, String when, boolean stream, Fault fault, Client client) throws Exception {
        keepCircuitClosed();
        try (CapturedLog log = new CapturedLog(LOG, Level.INFO);
                RawRequest request = RawRequest.open(server.uri("/"))) {
            simulator.script(fault);
            request.send(RawRequest.chat(stream, "Hello", TRIED));
            client.act(request, simulator);
            long millis = free(server, simulator);
            rows.add(cells(what, when, stream, got(request), millis, logged(log.await("id=" + TRIED))));
        }
    }

    private void row(String what, String when, boolean stream, TestServer toFault) throws Exception {
        try (CapturedLog log = new CapturedLog(LOG, Level.INFO);
                RawRequest request = RawRequest.open(toFault.uri("/"))) {
            request.send(RawRequest.chat(stream, "Hello", TRIED)).readAll();
            free(toFault, null);
            rows.add(cells(what, when, stream, got(request), NOT_MEASURED, logged(log.await("id=" + TRIED))));
        }
    }

    /** Successful requests between the faults, to keep the model's circuit closed. */
    private void keepCircuitClosed() throws Exception {
        for (int i = 0; i < 2; i++) {
            try (RawRequest request = RawRequest.chat(server.uri("/"), true, "Answer in 1 tokens")) {
                assertThat(request.readAll()).contains("data: [DONE]");
            }
        }
        awaitOpen(simulator, 0); // so that the next open exchange is that of the row
    }

    /** Milliseconds until the only permit is free again and the simulator has no open exchange. */
    static long free(TestServer server, OllamaSimulator simulator) throws Exception {
        long start = System.nanoTime();
        String answer;
        do {
            try (RawRequest probe = RawRequest.chat(server.uri("/"), true, "Answer in 1 tokens")) {
                answer = probe.readAll();
            }
            assertThat(System.nanoTime() - start).isLessThan(FREE_WITHIN_MILLIS * 1_000_000);
        } while (answer.contains("\"overloaded\""));
        long millis = (System.nanoTime() - start) / 1_000_000;
        if (simulator != null) {
            assertThat(answer).startsWith("HTTP/1.1 200");
            awaitOpen(simulator, 0);
        }
        return millis;
    }

    static String got(RawRequest request) {
        String text = request.received();
        Matcher code = Pattern.compile("\"code\":\"(\\w+)\"").matcher(text);
        boolean frame = text.contains("data: ");
        assertThat(text).doesNotContain("\"error\":null");
        if (text.isEmpty()) {
            return "nothing";
        }
        if (code.find()) {
            assertThat(text).doesNotContain("[DONE]");
            return request.status() + (frame ? ", then an error frame " : " ") + "`" + code.group(1) + "`";
        }
        boolean complete = frame ? text.contains("[DONE]") : text.contains("\"finish_reason\":\"stop\"");
        return request.status() + (complete ? ", complete" : ", then the connection closes");
    }

    static String logged(String line) {
        return "`" + line.replaceAll("\\S+ \\S+ (\\S+ \\S+) id=.*", "$1") + "`";
    }

    static String cells(String what, String when, boolean stream, String got, long millis, String logged) {
        return "| "
                + String.join(" | ", what, when, stream ? "yes" : "no", got, millis < 0 ? "–" : millis + " ms", logged)
                + " |";
    }

    /** Joins each row of a stream with the row of a non-streaming response that differs only in its time. */
    private static List<String> joined(List<String> rows) {
        Map<String, String[]> joined = new LinkedHashMap<>();
        for (String row : rows) {
            String[] cells = row.split(" \\| ", -1);
            joined.merge(cells[0] + cells[1] + cells[3] + cells[5], cells, (one, other) -> {
                one[2] += ", " + other[2];
                one[4] += other[4].equals("–") ? "" : ", " + other[4];
                return one;
            });
        }
        return joined.values().stream().map(cells -> String.join(" | ", cells)).toList();
    }

    static String withoutMillis(String table) {
        return table.replaceAll("\\d+ ms", "ms");
    }

    private static void awaitOpen(OllamaSimulator simulator, int expected) {
        simulator.openExchangesOverTime().filter(open -> open == expected).blockFirst(Duration.ofSeconds(10));
    }

    /** A port that refuses connections; nobody else gets it, as it is bound. */
    static final class ClosedPort implements AutoCloseable {

        private final Socket bound = new Socket();

        ClosedPort() throws IOException {
            bound.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0));
        }

        URI baseUrl() {
            return URI.create("http://127.0.0.1:" + bound.getLocalPort());
        }

        @Override
        public void close() throws IOException {
            bound.close();
        }
    }

    /** Reads the first byte of a request and resets the connection. */
    static final class ResettingServer implements AutoCloseable {

        private final ServerSocket listening = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());

        ResettingServer() throws IOException {
            Thread.ofVirtual().start(() -> {
                while (!listening.isClosed()) {
                    try (var socket = listening.accept()) {
                        socket.getInputStream().read();
                        socket.setSoLinger(true, 0);
                    } catch (IOException e) {
                        // the test has ended
                    }
                }
            });
        }

        URI baseUrl() {
            return URI.create("http://127.0.0.1:" + listening.getLocalPort());
        }

        @Override
        public void close() throws IOException {
            listening.close();
        }
    }
}
