package dev.localllm.deploy;

import static dev.localllm.deploy.DeployFiles.valueIn;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.time.Duration;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * The server's settings fit the container, the JVM and the proxy around it: the defaults, and the largest values that
 * staging and production accept. SettingsTest checks that the server refuses larger values.
 */
class ContainerLimitsTest {

    private static final String SERVER = "compose/server.yaml";
    private static final String LOCAL = "../compose.yaml";
    private static final String PROXY = "proxy/compose.yaml";
    private static final String HAPROXY = "proxy/haproxy.cfg";
    private static final String JVM = "image/java.options";
    private static final String DRAIN = "../llm-api/src/main/java/dev/localllm/api/lifecycle/Drain.java";

    /** From the last response to the end of the process. */
    private static final Duration EXIT = Duration.ofSeconds(2);

    /** For metaspace, code, the AOT cache, stacks of some 30 threads, the collector. */
    private static final double REST_MEGABYTES = 130;

    /**
     * Maximum number of copies of a body that a request holds: as received, as text, and as sent to Ollama
     * (MemoryLimits).
     */
    private static final int COPIES_OF_A_BODY = 4;

    private static final Map<String, Duration> UNITS = Map.of(
            "ms",
            Duration.ofMillis(1),
            "s",
            Duration.ofSeconds(1),
            "m",
            Duration.ofMinutes(1),
            "h",
            Duration.ofHours(1));

    @Test
    void serverEndsBeforeDockerKillsIt() throws IOException {
        assertThat(duration(valueIn(SERVER, "^ +stop_grace_period: (\\S+)$")))
                .isGreaterThanOrEqualTo(shutdown(max("SHUTDOWN_TIMEOUT")).plus(EXIT));
    }

    /** Checks only the default: developers may set a longer SHUTDOWN_TIMEOUT. */
    @Test
    void localServerEndsBeforeDockerKillsIt() throws IOException {
        assertThat(duration(valueIn(LOCAL, "^ +stop_grace_period: (\\S+)$")))
                .isGreaterThanOrEqualTo(
                        shutdown(defaultDuration("SHUTDOWN_TIMEOUT", "local")).plus(EXIT));
    }

    /** When the Docker engine stops, it signals both containers at once. */
    @Test
    void proxyLivesAsLongAsTheServerThatStopsWithIt() throws IOException {
        assertThat(duration(haproxy("hard-stop-after"))).isGreaterThanOrEqualTo(shutdown(max("SHUTDOWN_TIMEOUT")));
    }

    @Test
    void proxyEndsBeforeDockerKillsIt() throws IOException {
        assertThat(duration(valueIn(PROXY, "^ +stop_grace_period: (\\S+)$")))
                .isGreaterThanOrEqualTo(duration(haproxy("hard-stop-after")).plus(EXIT));
    }

    @ParameterizedTest
    @ValueSource(strings = {SERVER, PROXY})
    void toolWaitsUntilDockerHasStoppedTheContainer(String compose) throws IOException {
        assertThat(Duration.ofSeconds(Long.parseLong(valueIn("lib/engine.sh", "^DOCKER_SECONDS=(\\d+)"))))
                .isGreaterThan(duration(valueIn(compose, "^ +stop_grace_period: (\\S+)$"))
                        .plus(EXIT));
    }

    @ParameterizedTest
    @ValueSource(strings = {"TOTAL_TIMEOUT", "NON_STREAMING_TIMEOUT"})
    void serverEndsResponsesBeforeTheProxyDoes(String setting) throws IOException {
        assertThat(duration(haproxy("timeout server"))).isGreaterThan(max(setting));
    }

    @Test
    void serverDropsSlowReadersBeforeTheProxyDoes() throws IOException {
        assertThat(duration(haproxy("timeout client")))
                .isGreaterThan(defaultDuration("WRITE_STALL_TIMEOUT", "staging"));
    }

    /** The proxy must not wait for a request after the server has stopped waiting. */
    @ParameterizedTest
    @ValueSource(strings = {"HEADER_TIMEOUT", "BODY_TIMEOUT"})
    void proxyWaitsNoLongerForARequestThanTheServer(String setting) throws IOException {
        assertThat(duration(haproxy("timeout http-request")))
                .isLessThanOrEqualTo(defaultDuration(setting, "production"));
    }

    @Test
    void heapBuffersAndTheRestFitTheContainer() throws IOException {
        double tmpfs = megabytes(valueIn(SERVER, "^ +- /tmp:size=(\\w+)"));
        double direct = megabytes(valueIn(JVM, "^-XX:MaxDirectMemorySize=(\\w+)$"));
        assertThat(heap() + direct + tmpfs + REST_MEGABYTES).isLessThanOrEqualTo(limit());
    }

    /** A quarter of the heap is left for the server itself and for single responses. */
    @Test
    void budgetsFitTheHeap() throws IOException {
        double bodies = budget("BODY_BUDGET") * COPIES_OF_A_BODY;
        assertThat(bodies + budget("RESPONSE_BUDGET") + budget("STREAM_BUDGET")).isLessThanOrEqualTo(heap() * 3 / 4);
    }

    /** One client gets half of the budget; the manifest says {@code 8MB, or half of BODY_BUDGET if smaller}. */
    @ParameterizedTest
    @ValueSource(strings = {"staging", "production"})
    void theLargestBodyFitsTheBudgetOfOneClient(String environment) throws IOException {
        String largest = cell("MAX_BODY_SIZE", environment).replaceFirst(",.*", "");
        assertThat(megabytes(largest)).isLessThanOrEqualTo(budget("BODY_BUDGET") / 2);
    }

    /** From SIGTERM until the last client has its error frame. */
    private static Duration shutdown(Duration timeout) throws IOException {
        String closeTimeout = valueIn(DRAIN, "CLOSE_TIMEOUT = Duration\\.ofSeconds\\((\\d+)\\);");
        return timeout.plusSeconds(Long.parseLong(closeTimeout));
    }

    private static String haproxy(String keyword) throws IOException {
        return valueIn(HAPROXY, "^ +" + keyword + " (\\S+)$");
    }

    private static double limit() throws IOException {
        return megabytes(valueIn(SERVER, "^ +mem_limit: (\\w+)$"));
    }

    private static double heap() throws IOException {
        return limit() * Integer.parseInt(valueIn(JVM, "^-XX:MaxRAMPercentage=(\\d+)$")) / 100;
    }

    /** The default of a budget, written in the manifest as {@code 1/8 of the heap}. */
    private static double budget(String name) throws IOException {
        return heap() / Integer.parseInt(group(name, cell(name, "production"), "1/(\\d+) of the heap"));
    }

    /** The largest value in staging and production, written in the manifest as {@code 1ms to 24h; to 35s in staging and production}. */
    private static Duration max(String name) throws IOException {
        return duration(group(name, row(name).meaning(), " to \\w+; to (\\w+) in staging and production"));
    }

    private static Duration defaultDuration(String name, String environment) throws IOException {
        return duration(cell(name, environment));
    }

    private static String cell(String name, String environment) throws IOException {
        return row(name).cell(environment).replace("`", "");
    }

    private static EnvManifest.Row row(String name) throws IOException {
        return EnvManifest.rows().stream()
                .filter(row -> row.name().equals(name))
                .findFirst()
                .orElseThrow(() -> new IllegalStateException("manifest.csv: no " + name));
    }

    private static String group(String name, String text, String pattern) {
        Matcher matcher = Pattern.compile(pattern).matcher(text);
        if (!matcher.find()) {
            throw new IllegalStateException(name + ": " + text + " (expected: " + pattern + ")");
        }
        return matcher.group(1);
    }

    private static Duration duration(String text) {
        Matcher matcher = Pattern.compile("(\\d+)(ms|[smh])").matcher(text);
        if (!matcher.matches()) {
            throw new IllegalStateException(text + " (expected: a duration with its unit)");
        }
        return UNITS.get(matcher.group(2)).multipliedBy(Long.parseLong(matcher.group(1)));
    }

    /** Parses {@code 512m}, {@code 1MB} or {@code 512KB}. */
    private static double megabytes(String text) {
        Matcher matcher =
                Pattern.compile("(\\d+)([km])b?", Pattern.CASE_INSENSITIVE).matcher(text);
        if (!matcher.matches()) {
            throw new IllegalStateException(text + " (expected: a size in KB or MB)");
        }
        return Long.parseLong(matcher.group(1)) / (matcher.group(2).equalsIgnoreCase("k") ? 1024.0 : 1);
    }
}
