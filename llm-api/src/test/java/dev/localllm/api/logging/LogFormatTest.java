package dev.localllm.api.logging;

import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.LoggerContext;
import ch.qos.logback.classic.pattern.ThrowableProxyConverter;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.classic.spi.LoggingEvent;
import ch.qos.logback.classic.spi.ThrowableProxy;
import dev.localllm.api.CapturedLog;
import dev.localllm.api.client.ClientHash;
import dev.localllm.api.request.Operation;
import dev.localllm.api.request.RequestEnd;
import dev.localllm.api.request.RequestFilter;
import dev.localllm.api.request.RequestLog;
import dev.localllm.core.admission.Receipt;
import dev.localllm.core.catalog.ModelId;
import dev.localllm.core.chat.ChatEvent.Finished;
import dev.localllm.core.chat.FinishReason;
import dev.localllm.core.chat.Timings;
import dev.localllm.core.chat.Usage;
import dev.localllm.core.limit.ClientId;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.slf4j.event.KeyValuePair;
import org.springframework.core.env.MapPropertySource;
import org.springframework.core.env.StandardEnvironment;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

class LogFormatTest {

    private static final Instant TIME = Instant.parse("2026-03-01T23:59:58.007Z");

    private final ThrowableProxyConverter throwables = new ThrowableProxyConverter();
    private final TextLogFormatter text = new TextLogFormatter(throwables, ZoneId.of("Asia/Seoul"));
    private final EcsLogFormatter ecs = new EcsLogFormatter(environment(), throwables);

    LogFormatTest() {
        throwables.start();
    }

    @Test
    void writesTimeLevelThreadAndLogger() {
        LoggingEvent event = event("ready", null);

        assertThat(text.format(event))
                .isEqualTo(
                        "2026-03-02T08:59:58.007+09:00  WARN [main] dev.localllm.api.request.RequestFilter : ready\n");
        assertThat(new String(ecs.formatAsBytes(event, StandardCharsets.US_ASCII), StandardCharsets.UTF_8))
                .isEqualTo("""
                        {"@timestamp":"2026-03-01T23:59:58.007Z","log.level":"WARN","message":"ready",\
                        "ecs.version":"8.11","service.name":"a \\"server\\"","service.version":"1.2",\
                        "service.environment":"staging","process.thread.name":"main",\
                        "log.logger":"dev.localllm.api.request.RequestFilter"}
                        """);
    }

    @Test
    void writesNumbersWordsNullsAndOtherText() {
        LoggingEvent event = event("done", null, "a.n", 1, "b", 2L, "c", null, "d", "a:b", "e", "x y", "f", "");

        assertThat(text.format(event)).endsWith(" : done n=1 b=2 c=null d=a:b e=\"x y\" f=\"\"\n");
        assertThat(ecs.format(event))
                .endsWith(",\"a.n\":1,\"b\":2,\"c\":null,\"d\":\"a:b\",\"e\":\"x y\",\"f\":\"\"}\n");
    }

    @Test
    void changesTheTimeEachMillisecond() {
        List<Instant> times =
                List.of(TIME, TIME.plusMillis(992), TIME.plusMillis(993), TIME, Instant.parse("2026-12-31T15:00:00Z"));

        assertThat(times.stream().map(time -> text.format(at(time)).substring(0, 29)))
                .containsExactly(
                        "2026-03-02T08:59:58.007+09:00",
                        "2026-03-02T08:59:58.999+09:00",
                        "2026-03-02T08:59:59.000+09:00",
                        "2026-03-02T08:59:58.007+09:00",
                        "2027-01-01T00:00:00.000+09:00");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "x\n2026-03-01T00:00:00.000Z INFO [main] forged",
                "x\r\nforged",
                "x\",\"forged\":\"1",
                "x\\",
                "x\"}\n{\"forged\":1}",
                "x\u2028forged",
                "x\u0085forged",
                "x\u001b[2Jforged",
                "x\u0000forged",
                "x\ud800forged",
                "한국어 forged"
            })
    void keepsOneEventInOneLine(String odd) throws Exception {
        Throwable thrown = new IllegalStateException(odd, new IllegalArgumentException(odd));
        LoggingEvent event = event(odd, thrown, "llm.detail", odd);

        String line = new String(ecs.formatAsBytes(event, StandardCharsets.UTF_8), StandardCharsets.UTF_8);
        String printable = odd.replace('\ud800', '?');
        assertThat(line).doesNotContainPattern("[\\x00-\\x09\\x0B-\\x1F\\x7F-\\x9F\\u2028\\u2029]");
        assertThat(line.indexOf('\n')).isEqualTo(line.length() - 1);
        JsonNode json = JsonMapper.shared().readTree(line);
        assertThat(json.path("message").asString()).isEqualTo(printable);
        assertThat(json.path("llm.detail").asString()).isEqualTo(printable);
        assertThat(json.path("error.message").asString()).isEqualTo(printable);
        assertThat(json.path("error.type").asString()).isEqualTo("java.lang.IllegalStateException");
        assertThat(json.path("error.stack_trace").asString()).contains("Caused by: ", printable);
        assertThat(json.has("forged")).isFalse();

        String[] lines = text.format(event).split("\n", -1);
        assertThat(lines[0]).startsWith("2026-03-02T08:59:58.007+09:00  WARN ");
        assertThat(List.of(lines).subList(1, lines.length - 1)).isNotEmpty().allMatch(each -> each.startsWith("    "));
        assertThat(lines[lines.length - 1]).isEmpty();
        assertThat(List.of(lines)).noneMatch(each -> each.matches(".*[\\x00-\\x08\\x0A-\\x1F\\x7F-\\x9F\\u2028].*"));
        assertThat(List.of(lines)).anyMatch(each -> each.contains("Caused by: "));
    }

    @Test
    void namesAllFieldsOfARequestOnce() throws Exception {
        try (CapturedLog log = new CapturedLog(RequestFilter.class.getName(), Level.INFO)) {
            new RequestLog(new ClientHash(new byte[] {1})).accept(full());

            ILoggingEvent event = log.events().getFirst();
            assertThat(event.getKeyValuePairs().stream().map(pair -> pair.key))
                    .containsExactlyInAnyOrder(allFields().toArray(String[]::new));
            String line = ecs.format(event);
            JsonNode json = JsonMapper.builder()
                    .enable(tools.jackson.core.StreamReadFeature.STRICT_DUPLICATE_DETECTION)
                    .build()
                    .readTree(line);
            List<String> names = new ArrayList<>(json.propertyNames());
            assertThat(names).containsAll(allFields());
            assertThat(names)
                    .allSatisfy(name -> assertThat(names)
                            .noneMatch(other -> other.startsWith(name + "."))); // a program may nest them
            assertThat(json.path("http.response.status_code").asInt()).isEqualTo(502);
            assertThat(json.path("error.code").asString()).isEqualTo("upstream_failed");
            assertThat(json.path("event.duration").asLong()).isEqualTo(3_000_001L);
            assertThat(json.path("llm.load_ms").asLong()).isEqualTo(2 + 4);
            assertThat(json.path("llm.detail").asString()).hasSize(2001).startsWith("\"\n");
            assertThat(json.path("url.path").asString()).hasSize(129);
            assertThat(json.path("http.request.method").asString()).hasSize(33);
            assertThat(log.messages().getFirst())
                    .startsWith("POSTTTTT")
                    .contains(
                            "… 502 upstream_failed id=req-1 client=",
                            " outcome=failure model=qwen3:4b total_ms=3 prepare_ms=1 first_ms=2 queue_ms=1 load_ms=6"
                                    + " gpu_ms=3 prompt_ms=5 generation_ms=6 input_tokens=7 cached_tokens=8"
                                    + " output_tokens=9 ignored_fields=\"a, b\" schema_mismatch=\"no c\" detail=\"\\\"\\n");
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"TEXT", "Ecs", "json", "", " ecs"})
    void hasNoOtherNames(String name) {
        assertThat(LogFormat.named(name)).isNull();
    }

    /** All but {@code llm.events}, which only an incomplete answer has. */
    private static List<String> allFields() {
        return Arrays.stream(LogFields.class.getFields())
                .map(LogFormatTest::value)
                .filter(name -> !name.equals(LogFields.EVENTS))
                .toList();
    }

    private static String value(java.lang.reflect.Field field) {
        try {
            return (String) field.get(null);
        } catch (IllegalAccessException e) {
            throw new AssertionError(e);
        }
    }

    private static RequestEnd full() {
        return new RequestEnd(
                "req-1",
                new ClientId("ann"),
                "POST" + "T".repeat(99),
                "/" + "x".repeat(500),
                Operation.CHAT,
                new ModelId("qwen3:4b"),
                502,
                "upstream_failed",
                "\"\n" + "x".repeat(3000),
                Duration.ofMillis(1),
                Duration.ofMillis(2),
                Duration.ofNanos(3_000_001),
                3,
                "a, b",
                "no c",
                new Receipt(Duration.ofMillis(1), Duration.ofMillis(2), Duration.ofMillis(3), true),
                new Finished(
                        FinishReason.STOP,
                        new Usage(7, 8, 9),
                        new Timings(Duration.ofMillis(4), Duration.ofMillis(5), Duration.ofMillis(6))));
    }

    private static LoggingEvent at(Instant time) {
        LoggingEvent event = event("x", null);
        event.setInstant(time);
        return event;
    }

    private static LoggingEvent event(String message, @Nullable Throwable thrown, @Nullable Object... pairs) {
        LoggingEvent event = new LoggingEvent();
        event.setLoggerContext(new LoggerContext());
        event.setInstant(TIME);
        event.setLevel(Level.WARN);
        event.setThreadName("main");
        event.setLoggerName("dev.localllm.api.request.RequestFilter");
        event.setMessage(message);
        if (thrown != null) {
            event.setThrowableProxy(new ThrowableProxy(thrown));
        }
        for (int i = 0; i < pairs.length; i += 2) {
            event.addKeyValuePair(new KeyValuePair((String) pairs[i], pairs[i + 1]));
        }
        return event;
    }

    private static StandardEnvironment environment() {
        StandardEnvironment environment = new StandardEnvironment();
        environment
                .getPropertySources()
                .addFirst(new MapPropertySource(
                        "test",
                        Map.of(
                                "spring.application.name",
                                "a \"server\"",
                                "app.version",
                                "1.2",
                                "logging.structured.ecs.service.environment",
                                "staging")));
        return environment;
    }
}
