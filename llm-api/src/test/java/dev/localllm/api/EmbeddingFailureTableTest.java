package dev.localllm.api;

import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.Level;
import dev.localllm.ollama.CannedServer;
import dev.localllm.ollama.simulator.Fault;
import dev.localllm.ollama.simulator.OllamaSimulator;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/**
 * Every way a request for embeddings can end, tested on the complete server, one table row each, as
 * {@link FailureTableTest}. {@code ./mvnw verify -Dreliability.write=true} rewrites the table of docs/reliability.md.
 */
class EmbeddingFailureTableTest {

    @RegisterExtension
    static final TestServers SERVERS = new TestServers();

    private static final Path DOCUMENT = Path.of("../docs/reliability.md");
    private static final String BEGIN = "<!-- written by EmbeddingFailureTableTest -->\n";
    private static final String END = "<!-- end -->";
    private static final String LOG = "dev.localllm.api.request.RequestFilter";
    private static final String TRIED = "tried";
    private static final String NOT_MEASURED = "–"; // the next request fails, too
    private static final long FREE_WITHIN_MILLIS = 2000;
    private static final List<String> ONE_BATCH = List.of("a");
    private static final List<String> TWO_BATCHES = Collections.nCopies(40, "a");
    private static final String[] SETTINGS = {
        "--MODEL_NAME=simulator",
        "--MAX_CONCURRENT_REQUESTS=1",
        "--CONNECT_TIMEOUT=300ms",
        "--FIRST_TOKEN_TIMEOUT=500ms",
        "--SHUTDOWN_TIMEOUT=300ms"
    };

    private final OllamaSimulator simulator = SERVERS.simulator();
    private final TestServer server = SERVERS.server(SETTINGS);
    private final List<String> rows = new ArrayList<>();

    /** Action of the client after it has sent its request. */
    private interface Client {
        void act(RawRequest request) throws Exception;
    }

    /** @param millis until the only permit was free again */
    private record End(String got, long millis, String logged) {}

    @Test
    void matchesTheDocument() throws Exception {
        everyFaultOfTheConnection();
        everyFaultOfOllama();
        everyFaultOfTheClient();
        shutdown();

        String table = "| what goes wrong | when | the client gets | free again after | the log says |\n"
                + "|---|---|---|---|---|\n" + String.join("\n", rows) + "\n";
        System.out.println(table);
        String document = Files.readString(DOCUMENT);
        int from = document.indexOf(BEGIN) + BEGIN.length();
        int to = document.indexOf(END, from);
        if (Boolean.getBoolean("reliability.write")) {
            Files.writeString(DOCUMENT, document.substring(0, from) + table + document.substring(to));
        } else {
            assertThat(withoutMillis(table)).isEqualTo(withoutMillis(document.substring(from, to)));
        }
    }

    private void everyFaultOfTheConnection() throws Exception {
        try (TimeoutsTest.DeafServer deaf = new TimeoutsTest.DeafServer();
                FailureTableTest.ResettingServer resetting = new FailureTableTest.ResettingServer();
                CannedServer canned = new CannedServer("SSH-2.0-OpenSSH_9.2\r\n".getBytes(StandardCharsets.US_ASCII));
                FailureTableTest.ClosedPort closed = new FailureTableTest.ClosedPort();
                TestServer toNobody = new TestServer(closed.baseUrl(), SETTINGS);
                TestServer toDeaf = new TestServer(deaf.baseUrl(), SETTINGS);
                TestServer toResetting = new TestServer(resetting.baseUrl(), SETTINGS);
                TestServer toCanned = new TestServer(canned.baseUrl(), SETTINGS)) {
            row("refused", "connecting", toNobody);
            row("no answer to connecting", "connecting", toDeaf);
            row("reset", "before the headers", toResetting);
            row("not HTTP", "before the headers", toCanned);
        }
    }

    private void everyFaultOfOllama() throws Exception {
        row("status 400, input too long", new Fault.Refuses(400, "the input length exceeds the context length"));
        row("status 404", new Fault.Refuses(404, "model \"simulator-embed\" not found, try pulling it first"));
        row("status 500", new Fault.Refuses(500, "llama runner has terminated"));
        row("status 501", new Fault.Refuses(501, "This server does not support embeddings."));
        row("status 503", new Fault.Refuses(503, "server busy"));
        row("never answers", new Fault.NeverAnswers());
        row("slow headers", new Fault.SlowHeaders(Duration.ofMillis(100)));
        row("stall", new Fault.Stalls(1));
        row("reset", new Fault.Drops(0));
        row("cut in the middle", new Fault.CutsLine(0));
        row("garbage", new Fault.SendsGarbage(0));
        row("error with status 200", new Fault.SendsError(0));
        row("empty response", new Fault.EndsEarly(0));
    }

    /** The same in both batches. */
    private void row(String what, Fault fault) throws Exception {
        End first = end(ONE_BATCH, RawRequest::readAll, fault);
        End second = end(TWO_BATCHES, RawRequest::readAll, new Fault.None(), fault);
        assertThat(second.got()).isEqualTo(first.got());
        assertThat(second.logged()).isEqualTo(first.logged());
        rows.add(cells(
                what,
                "first batch, second batch",
                first.got(),
                first.millis() + " ms, " + second.millis() + " ms",
                first.logged()));
    }

    private void everyFaultOfTheClient() throws Exception {
        goneRows("client leaves", RawRequest::close);
        goneRows("client resets", RawRequest::reset);
        goneRows("client half-closes", request -> {
            request.socket().shutdownOutput();
            request.readAll();
        });
    }

    private void goneRows(String what, Client goes) throws Exception {
        Client goesLater = request -> {
            SERVERS.awaitOpen(1);
            goes.act(request);
        };
        row(what, "before the headers", end(ONE_BATCH, goesLater, new Fault.NeverAnswers()));
        row(what, "during the response of Ollama", end(ONE_BATCH, goesLater, new Fault.Stalls(1)));
    }

    private void shutdown() throws Exception {
        simulator.script(new Fault.NeverAnswers());
        TestServer stopping = new TestServer(simulator.baseUrl(), SETTINGS);
        try (CapturedLog log = new CapturedLog(LOG, Level.INFO);
                RawRequest request = RawRequest.open(stopping.uri("/")).send(embed(ONE_BATCH, TRIED))) {
            SERVERS.awaitOpen(1);
            Thread closing = Thread.ofPlatform().start(stopping::close);
            request.readAll();
            closing.join();
            SERVERS.awaitOpen(0);
            rows.add(cells("SIGTERM, time is over", "first batch", got(request), NOT_MEASURED, logged(log)));
        }
    }

    private void row(String what, String when, End end) {
        rows.add(cells(what, when, end.got(), end.millis() + " ms", end.logged()));
    }

    private End end(List<String> inputs, Client client, Fault... faults) throws Exception {
        keepCircuitClosed();
        try (CapturedLog log = new CapturedLog(LOG, Level.INFO);
                RawRequest request = RawRequest.open(server.uri("/"))) {
            simulator.script(faults);
            request.send(embed(inputs, TRIED));
            client.act(request);
            long millis = free(server, simulator);
            return new End(got(request), millis, logged(log));
        }
    }

    private void row(String what, String when, TestServer toFault) throws Exception {
        try (CapturedLog log = new CapturedLog(LOG, Level.INFO);
                RawRequest request = RawRequest.open(toFault.uri("/"))) {
            request.send(embed(ONE_BATCH, TRIED)).readAll();
            free(toFault, null);
            rows.add(cells(what, when, got(request), NOT_MEASURED, logged(log)));
        }
    }

    /** Successful requests between the faults, to keep the model's circuit closed. */
    private void keepCircuitClosed() throws Exception {
        for (int i = 0; i < 2; i++) {
            try (RawRequest request = RawRequest.open(server.uri("/")).send(embed(ONE_BATCH, "probe"))) {
                assertThat(request.readAll()).startsWith("HTTP/1.1 200");
            }
        }
        SERVERS.awaitOpen(0); // so that the next open exchange is that of the row
    }

    /** Milliseconds until the only permit is free again and the simulator has no open exchange. */
    private static long free(TestServer server, @Nullable OllamaSimulator simulator) throws Exception {
        long start = System.nanoTime();
        String answer;
        do {
            try (RawRequest probe = RawRequest.open(server.uri("/")).send(embed(ONE_BATCH, "probe"))) {
                answer = probe.readAll();
            }
            assertThat(System.nanoTime() - start).isLessThan(FREE_WITHIN_MILLIS * 1_000_000);
        } while (answer.contains("\"overloaded\""));
        long millis = (System.nanoTime() - start) / 1_000_000;
        if (simulator != null) {
            assertThat(answer).startsWith("HTTP/1.1 200");
            SERVERS.awaitOpen(0);
        }
        return millis;
    }

    private static String got(RawRequest request) {
        String text = request.received();
        Matcher code = Pattern.compile("\"code\":\"(\\w+)\"").matcher(text);
        if (text.isEmpty()) {
            return "nothing";
        }
        assertThat(text).doesNotContain("\"error\":null");
        return code.find()
                ? request.status() + " `" + code.group(1) + "`"
                : request.status() + (text.contains("\"usage\":") ? ", complete" : ", then the connection closes");
    }

    private static String logged(CapturedLog log) throws InterruptedException {
        return "`" + log.await("id=" + TRIED + " ").replaceAll("\\S+ \\S+ (\\S+ \\S+) id=.*", "$1") + "`";
    }

    private static String cells(String what, String when, String got, String free, String logged) {
        return "| " + String.join(" | ", what, when, got, free, logged) + " |";
    }

    private static String withoutMillis(String table) {
        return table.replaceAll("\\d+ ms", "ms");
    }

    private static String embed(List<String> inputs, String id) {
        String body = "{\"model\":\"simulator-embed\",\"input\":[\"" + String.join("\",\"", inputs) + "\"]}";
        return "POST /v1/embeddings HTTP/1.1\r\nHost: localhost\r\nx-request-id: " + id
                + "\r\nContent-Type: application/json\r\nContent-Length: " + body.length() + "\r\n\r\n" + body;
    }
}
