package dev.localllm.api;

import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.Level;
import dev.localllm.ollama.simulator.Fault;
import dev.localllm.ollama.simulator.OllamaSimulator;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/**
 * How a response of /v1/responses can end, as {@link FailureTableTest} does for chat. Fails if the table in
 * docs/reliability.md differs; {@code -Dreliability.write=true} rewrites it.
 */
class ResponseFailuresTest {

    @RegisterExtension
    static final TestServers SERVERS = new TestServers();

    private static final Path DOCUMENT = Path.of("../docs/reliability.md");
    private static final String BEGIN = "<!-- written by ResponseFailuresTest -->\n";
    private static final String END = "<!-- end -->";
    private static final String LOG = "dev.localllm.api.request.RequestFilter";
    private static final Pattern TERMINAL = Pattern.compile("event: response\\.(completed|incomplete|failed)\n");

    private final OllamaSimulator simulator = SERVERS.simulator();
    private final TestServer server =
            SERVERS.server("--MODEL_NAME=simulator", "--FIRST_TOKEN_TIMEOUT=500ms", "--IDLE_TIMEOUT=500ms");
    private final TestServer beating =
            SERVERS.server("--MODEL_NAME=simulator", "--FIRST_TOKEN_TIMEOUT=500ms", "--HEARTBEAT_INTERVAL=50ms");
    private final List<String> rows = new ArrayList<>();

    @Test
    void matchesTheDocument() throws Exception {
        for (boolean stream : new boolean[] {true, false}) {
            row("nothing", "–", stream, new Fault.None(), server);
            row("cut by `max_output_tokens`", "streaming", stream, new Fault.None(), server);
            row("status 500", "before the first token", stream, new Fault.Refuses(500, "llama runner died"), server);
            row("error line", "before the first token", stream, new Fault.SendsError(0), server);
            row("never answers", "before the first token", stream, new Fault.NeverAnswers(), server);
            if (stream) {
                row("never answers", "before the first token, after comments", true, new Fault.NeverAnswers(), beating);
            }
            row("stall", "streaming", stream, new Fault.Stalls(3), server);
            row("error line", "streaming", stream, new Fault.SendsError(3), server);
            row("cut in mid-line", "streaming", stream, new Fault.CutsLine(3), server);
            row("end without done", "streaming", stream, new Fault.EndsEarly(3), server);
        }

        String table = "| what goes wrong | when | stream | the client gets | the log says |\n|---|---|---|---|---|\n"
                + String.join("\n", rows) + "\n";
        String document = Files.readString(DOCUMENT);
        int from = document.indexOf(BEGIN) + BEGIN.length();
        int to = document.indexOf(END, from);
        if (Boolean.getBoolean("reliability.write")) {
            Files.writeString(DOCUMENT, document.substring(0, from) + table + document.substring(to));
        } else {
            assertThat(table).isEqualTo(document.substring(from, to));
        }
    }

    private void row(String what, String when, boolean stream, Fault fault, TestServer target) throws Exception {
        keepCircuitClosed(target);
        try (CapturedLog log = new CapturedLog(LOG, Level.INFO);
                RawRequest request = RawRequest.open(target.uri("/"))) {
            simulator.script(fault);
            String limit = what.startsWith("cut by") ? ",\"max_output_tokens\":3" : "";
            String answer = request.send(body(stream, limit, "tried")).readAll();
            String logged = log.await("id=tried").replaceAll("\\S+ \\S+ (\\S+ \\S+) id=.*", "$1");
            rows.add("| "
                    + String.join(
                            " | ", what, when, stream ? "yes" : "no", got(request.status(), answer), "`" + logged + "`")
                    + " |");
        }
    }

    /** Successful requests between the faults, to keep the model's circuit closed. */
    private void keepCircuitClosed(TestServer target) throws Exception {
        for (int i = 0; i < 2; i++) {
            try (RawRequest request = RawRequest.open(target.uri("/"))) {
                assertThat(request.send(body(true, "", "probe")).readAll()).contains("response.completed");
            }
        }
        SERVERS.awaitOpen(0);
    }

    private static String body(boolean stream, String fields, String id) {
        return RawRequest.post("/v1/responses", "{\"input\":\"Hello\",\"stream\":" + stream + fields + "}", id);
    }

    private static String got(int status, String answer) {
        Matcher code = Pattern.compile("\"code\":\"(\\w+)\"").matcher(answer);
        Matcher last = TERMINAL.matcher(answer);
        String failure = code.find() ? " `" + code.group(1) + "`" : "";
        if (!last.find()) {
            String state = answer.replaceAll("(?s).*\"object\":\"response\".*?\"status\":\"(\\w+)\".*", ", $1");
            return status + (failure.isEmpty() ? state : failure);
        }
        assertThat(answer.substring(last.end())).doesNotContain("event: ").doesNotContain("[DONE]");
        assertThat(answer).contains("event: response.created\n", "event: response.in_progress\n");
        return status + ", then `response." + last.group(1) + "`" + failure;
    }
}
