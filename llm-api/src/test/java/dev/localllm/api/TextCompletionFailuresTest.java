package dev.localllm.api;

import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.Level;
import dev.localllm.ollama.simulator.Fault;
import dev.localllm.ollama.simulator.OllamaSimulator;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/**
 * How a completion can end, tested on the complete server, one table row each, as {@link FailureTableTest} does for
 * chats. {@code ./mvnw verify -Dreliability.write=true} rewrites the table.
 */
class TextCompletionFailuresTest {

    @RegisterExtension
    static final TestServers SERVERS = new TestServers();

    private static final Path DOCUMENT = Path.of("../docs/reliability.md");
    private static final String BEGIN = "<!-- written by TextCompletionFailuresTest -->\n";
    private static final String END = "<!-- end -->";
    private static final String LOG = "dev.localllm.api.request.RequestFilter";
    private static final String TRIED = "tried"; // id of the request that a row describes, not of the probes after it

    private final OllamaSimulator simulator = SERVERS.simulator();
    private final TestServer server = SERVERS.server(FailureTableTest.SETTINGS);
    private final List<String> rows = new ArrayList<>();

    @Test
    void matchesTheDocument() throws Exception {
        complete(SERVERS.server()); // a cold JVM may need more time than the timeouts of this test
        for (boolean stream : new boolean[] {true, false}) {
            refused("can't insert", stream, new Fault.Refuses(400, "simulator does not support insert"));
            refused("status 404", stream, new Fault.Refuses(404, "model 'simulator' not found"));
            refused("status 503", stream, new Fault.Refuses(503, "server busy"));
            refused("never answers", stream, new Fault.NeverAnswers());
            refused("error line", stream, new Fault.SendsError(0));
            row("stall", "streaming", stream, new Fault.Stalls(3), RawRequest::readAll);
            row("reset", "streaming", stream, new Fault.Drops(3), RawRequest::readAll);
            row("cut in mid-line", "streaming", stream, new Fault.CutsLine(3), RawRequest::readAll);
            row("garbage", "streaming", stream, new Fault.SendsGarbage(3), RawRequest::readAll);
            row("error line", "streaming", stream, new Fault.SendsError(3), RawRequest::readAll);
            row("end without done", "streaming", stream, new Fault.EndsEarly(3), RawRequest::readAll);
            row("client leaves", "before the first token", stream, new Fault.NeverAnswers(), request -> {
                SERVERS.awaitOpen(1);
                request.close();
            });
            row("client leaves", "streaming", stream, new Fault.Stalls(3), request -> {
                SERVERS.awaitOpen(1);
                if (stream) {
                    request.readUntil("data: ");
                }
                request.close();
            });
        }
        compare(FailureTableTest.table(rows));
    }

    /** What the client does after it has sent its request. */
    private interface Client {
        void act(RawRequest request) throws Exception;
    }

    private void refused(String what, boolean stream, Fault fault) throws Exception {
        row(what, "before the first token", stream, fault, RawRequest::readAll);
    }

    private void row(String what, String when, boolean stream, Fault fault, Client client) throws Exception {
        keepCircuitClosed();
        try (CapturedLog log = new CapturedLog(LOG, Level.INFO);
                RawRequest request = RawRequest.open(server.uri("/"))) {
            simulator.script(fault);
            request.send(RawRequest.completion(stream, "Hello", TRIED));
            client.act(request);
            long millis = FailureTableTest.free(server, simulator);
            rows.add(FailureTableTest.cells(
                    what,
                    when,
                    stream,
                    FailureTableTest.got(request),
                    millis,
                    FailureTableTest.logged(log.await("id=" + TRIED))));
        }
    }

    /** Successful requests between the faults, to keep the model's circuit closed. */
    private void keepCircuitClosed() throws Exception {
        complete(server);
        complete(server);
        SERVERS.awaitOpen(0); // so that the next open exchange is that of the row
    }

    private static void complete(TestServer server) throws Exception {
        assertThat(server.post("/v1/completions", "{\"prompt\":\"Answer in 1 tokens\"}")
                        .statusCode())
                .isEqualTo(200);
    }

    private static void compare(String table) throws Exception {
        System.out.println(table);
        String document = Files.readString(DOCUMENT);
        int from = document.indexOf(BEGIN) + BEGIN.length();
        int to = document.indexOf(END, from);
        if (Boolean.getBoolean("reliability.write")) {
            Files.writeString(DOCUMENT, document.substring(0, from) + table + document.substring(to));
        } else {
            assertThat(FailureTableTest.withoutMillis(table))
                    .isEqualTo(FailureTableTest.withoutMillis(document.substring(from, to)));
        }
    }
}
