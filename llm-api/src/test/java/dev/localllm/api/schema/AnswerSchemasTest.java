package dev.localllm.api.schema;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.localllm.core.chat.ChatEvent;
import dev.localllm.core.chat.ChatEvent.Finished;
import dev.localllm.core.chat.ChatEvent.TextDelta;
import dev.localllm.core.chat.ChatEvent.ToolCallDelta;
import dev.localllm.core.chat.FinishReason;
import dev.localllm.core.chat.JsonText;
import dev.localllm.core.chat.Part;
import dev.localllm.core.chat.Timings;
import dev.localllm.core.chat.Usage;
import dev.localllm.core.failure.LlmException;
import dev.localllm.core.failure.LlmFailure.InvalidRequest;
import dev.localllm.core.failure.LlmFailure.SchemaNotHonoured;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.RejectedExecutionException;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import reactor.core.publisher.Flux;
import reactor.core.scheduler.Scheduler;
import reactor.core.scheduler.Schedulers;
import reactor.test.StepVerifier;
import tools.jackson.databind.json.JsonMapper;

@Timeout(30)
class AnswerSchemasTest {

    private static final Duration TIMEOUT = Duration.ofSeconds(10);
    private static final String PERSON = """
            {"type":"object","properties":{"age":{"type":"integer"}},"required":["age"],"additionalProperties":false}""";

    private final Scheduler scheduler = Schedulers.newSingle("test-schemas");
    private final AnswerSchemas schemas = new AnswerSchemas(scheduler);
    private final List<String> mismatches = new ArrayList<>();

    @AfterEach
    void close() {
        scheduler.dispose();
    }

    @Test
    void passesAnAnswerThatMatches() {
        List<List<ChatEvent>> events =
                List.of(text("{\"a"), text("ge\":"), List.of(delta("5}"), end(FinishReason.STOP)));

        StepVerifier.create(checked(events, ofAnswer(PERSON, true)))
                .expectNextSequence(events)
                .expectComplete()
                .verify(TIMEOUT);
        assertThat(mismatches).isEmpty();
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "{\"age\":\"x\"} | /properties/age/type",
                "{} | /required",
                "{\"age\":5,\"b\":1} | /additionalProperties",
                "{\"age\":5,\"age\":6} | it is not JSON",
                "{\"age\":5}{} | it is not JSON",
                "{\"age\":5 | it is not JSON",
                "[] | /type"
            })
    void failsInsteadOfTheLastEventIfAStrictSchemaIsNotMatched(String answer, String mismatch) {
        List<List<ChatEvent>> events = List.of(text("{"), List.of(delta(answer.substring(1)), end(FinishReason.STOP)));
        List<List<ChatEvent>> all =
                answer.startsWith("{") ? events : List.of(List.of(delta(answer), end(FinishReason.STOP)));

        StepVerifier.create(checked(all, ofAnswer(PERSON, true)).flatMapIterable(list -> list))
                .expectNextCount(all.size())
                .expectErrorSatisfies(fault ->
                        assertThat(((LlmException) fault).failure()).isEqualTo(new SchemaNotHonoured(mismatch)))
                .verify(TIMEOUT);
    }

    @Test
    void tellsAMismatchBeforeTheLastEventIfNotStrict() {
        List<List<ChatEvent>> events = List.of(text("{}"), List.of(end(FinishReason.STOP)));

        StepVerifier.create(checked(events, ofAnswer(PERSON, false))
                        .doOnNext(list -> assertThat(mismatches).hasSize(list.getLast() instanceof Finished ? 1 : 0)))
                .expectNextSequence(events)
                .expectComplete()
                .verify(TIMEOUT);
        assertThat(mismatches).containsExactly("/required");
    }

    @ParameterizedTest
    @CsvSource({"{}, ", "[], it is not a JSON object", "Hi, it is not JSON"})
    void checksJsonWithoutASchema(String answer, @Nullable String mismatch) {
        List<List<ChatEvent>> events = List.of(text(answer), List.of(end(FinishReason.STOP)));

        StepVerifier.create(checked(events, SchemaDemand.ofAnyObject()))
                .expectNextSequence(events)
                .expectComplete()
                .verify(TIMEOUT);
        assertThat(mismatches).isEqualTo(mismatch == null ? List.of() : List.of(mismatch));
    }

    @ParameterizedTest
    @ValueSource(strings = {"LENGTH", "TOOL_CALLS"})
    void doesNotCheckTheTextOfATruncatedAnswer(FinishReason reason) {
        List<List<ChatEvent>> events = List.of(text("{\"a"), List.of(end(reason)));

        StepVerifier.create(checked(events, ofAnswer(PERSON, true)))
                .expectNextSequence(events)
                .expectComplete()
                .verify(TIMEOUT);
    }

    @Test
    void checksTheArgumentsOfItsFunctionOnly() {
        SchemaDemand demand = SchemaDemand.ofArguments("f", "tools[0].function.parameters", json(PERSON));
        List<List<ChatEvent>> good =
                List.of(List.of(call("g", "{}"), call("f", "{\"age\":1}")), List.of(end(FinishReason.TOOL_CALLS)));
        List<List<ChatEvent>> bad = List.of(List.of(call("g", "{}"), call("f", "{}")), List.of(end(FinishReason.STOP)));

        StepVerifier.create(checked(good, demand))
                .expectNextSequence(good)
                .expectComplete()
                .verify(TIMEOUT);
        StepVerifier.create(checked(bad, demand))
                .expectNext(List.of(call("g", "{}")))
                .expectErrorSatisfies(fault -> assertThat(((LlmException) fault).failure())
                        .isEqualTo(new SchemaNotHonoured("arguments of f: /required")))
                .verify(TIMEOUT);
    }

    @Test
    void emitsOnTheCallersThread() {
        Scheduler caller = Schedulers.newSingle("test-caller");
        List<String> threads = new ArrayList<>();
        try {
            compile(ofAnswer(PERSON, false))
                    .check(
                            Flux.just(List.of(delta("{}"), end(FinishReason.STOP))),
                            mismatch -> threads.add(Thread.currentThread().getName()),
                            caller::schedule)
                    .doOnNext(list -> threads.add(Thread.currentThread().getName()))
                    .blockLast(TIMEOUT);
        } finally {
            caller.dispose();
        }

        assertThat(threads).hasSize(2).allMatch(thread -> thread.startsWith("test-caller"));
    }

    @Test
    void checksOnItsOwnThread() {
        AnswerCheck check = compile(ofAnswer(PERSON, false));
        scheduler.dispose();

        StepVerifier.create(check.check(
                        Flux.just(text("{}"), List.of(end(FinishReason.STOP))), mismatches::add, Runnable::run))
                .expectNext(text("{}"))
                .expectError(RejectedExecutionException.class)
                .verify(TIMEOUT);
    }

    // --- schemas

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{\"$schema\":\"http://json-schema.org/draft-07/schema#\",\"$id\":\"http://example.com/a\",\"type\":\"object\"}",
                "{\"$ref\":\"#/$defs/a\",\"$defs\":{\"a\":{\"type\":\"object\"}}}",
                "{\"$ref\":\"#/definitions/a\",\"definitions\":{\"a\":{\"properties\":{\"next\":{\"$ref\":\"#/definitions/a\"}}}}}",
                "{\"properties\":{\"a\":{\"type\":[\"integer\",\"null\"],\"maximum\":1},\"b\":{\"format\":\"uuid4\"}},\"required\":[\"a\"]}",
                "{\"anyOf\":[{\"type\":\"string\"},{\"type\":\"null\"}],\"default\":null,\"title\":\"t\"}",
                "{\"allOf\":[{\"$ref\":\"#/$defs/a\"}],\"$defs\":{\"a\":{\"properties\":{\"x\":{}}}},\"required\":[\"x\"]}",
                "{\"x-own\":{\"not\":{}},\"discriminator\":{\"mapping\":{\"not\":\"#/$defs/a\"}}}",
                "{\"format\":\"uuid\",\"pattern\":\"^(?:\\\\d)$\"}",
                "{\"format\":\"starts_with\",\"pattern\":\"^x.*$\"}",
                "{\"propertyNames\":{\"type\":\"string\"},\"additionalProperties\":{}}",
                "{\"pattern\":\"^([^^$(?]|\\\\.|a{2}[(?$^-])*$\"}",
                "{\"properties\":{\"not\":{\"type\":\"string\"},\"if\":{\"format\":\"date-time\"}}}",
                "{\"properties\":{\"n\":{\"type\":\"integer\",\"minimum\":5,\"title\":\"t\",\"default\":{\"not\":1}}}}",
                "{\"properties\":{\"a\":{\"type\":\"integer\",\"format\":\"int32\"},\"b\":{\"type\":\"number\",\"format\":\"double\"}}}",
                "{\"pattern\":\"^a+$\"}",
                "{}"
            })
    void acceptsUsualSchemas(String schema) {
        assertThat(compile(ofAnswer(schema, true))).isNotNull();
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "{\"type\":\"objekt\"} | not a JSON schema",
                "{\"properties\":5} | not a JSON schema",
                "{\"$ref\":\"#/$defs/none\"} | not a JSON schema",
                "{\"$ref\":\"http://127.0.0.1:1/a\"} | $ref",
                "{\"$ref\":\"file:///etc/passwd\"} | $ref",
                "{\"$ref\":5} | $ref",
                "{\"items\":{\"$ref\":\"#\"}} | $ref",
                "{\"items\":{\"minItems\":2,\"maxItems\":1}} | minItems",
                "{\"minLength\":2,\"maxLength\":1} | minLength",
                "{\"$schema\":\"http://127.0.0.1:1/a\"} | $schema",
                "{\"not\":{\"$schema\":\"http://json-schema.org/draft-07/schema#\"}} | $schema",
                "{\"not\":{\"$id\":\"http://127.0.0.1:1/a\"}} | $id",
                "{\"$dynamicRef\":\"#a\"} | $dynamicRef"
            })
    void refusesSchemasThatItCannotCheck(String schema, String fault) {
        assertThat(refusal(ofAnswer(schema, false)))
                .contains(fault.matches("[$m].*") ? "'" + fault + "' (expected: " : fault);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "{\"uniqueItems\":true} | uniqueItems",
                "{\"properties\":{\"a\":{\"multipleOf\":2}}} | multipleOf",
                "{\"prefixItems\":[{\"not\":{}}]} | not",
                "{\"$defs\":{\"a\":{\"if\":{}}}} | if",
                "{\"type\":\"number\",\"minimum\":1} | minimum",
                "{\"exclusiveMaximum\":1} | exclusiveMaximum",
                "{\"type\":[\"integer\",\"number\"],\"maximum\":1} | maximum",
                "{\"pattern\":\"a\"} | pattern",
                "{\"pattern\":\"^a\"} | pattern",
                "{\"pattern\":\"^\\\\d+$\"} | pattern",
                "{\"pattern\":\"^[\\\\d]+$\"} | pattern",
                "{\"pattern\":\"^a\\\\$\"} | pattern",
                "{\"pattern\":\"^a$b$\"} | pattern",
                "{\"pattern\":\"^(?:a)$\"} | pattern",
                "{\"pattern\":\"^a$\",\"minLength\":1} | minLength",
                "{\"format\":\"email\"} | format",
                "{\"format\":\"date\",\"maxLength\":9} | maxLength",
                "{\"$ref\":\"#/$defs/a\",\"required\":[],\"$defs\":{\"a\":{}}} | required",
                "{\"oneOf\":[{}],\"properties\":{}} | properties",
                "{\"allOf\":[{}],\"properties\":{}} | allOf",
                "{\"allOf\":[{}],\"type\":\"string\"} | allOf",
                "{\"prefixItems\":[{}],\"items\":{}} | items",
                "{\"properties\":{\"a\":{}},\"required\":[\"b\"]} | required",
                "{\"format\":\"email\"} | format",
                "{\"propertyNames\":{\"type\":\"string\",\"maxLength\":1}} | propertyNames",
                "{\"patternProperties\":{}} | patternProperties"
            })
    void refusesToGenerateStrictlyWhatTheGrammarIgnores(String schema, String keyword) {
        assertThat(refusal(ofAnswer(schema, true))).contains("'" + keyword + "' can't be generated strictly");
        assertThat(compile(ofAnswer(schema, false))).isNotNull();
        assertThat(compile(SchemaDemand.ofArguments("f", "a", json(schema)))).isNotNull();
    }

    /** The grammar would generate by the pattern, which it does not know. */
    @Test
    void generatesByAFormatThatAPatternRepeats() {
        String schema =
                "{\"a\":{\"format\":\"date\",\"pattern\":\"^\\\\d$\"},\"b\":{\"format\":\"x\",\"pattern\":\"^c$\"}}";

        assertThat(json(SchemaDemand.toGenerate(json(schema))))
                .isEqualTo(json("{\"a\":{\"format\":\"date\"},\"b\":{\"format\":\"x\",\"pattern\":\"^c$\"}}"));
        assertThat(mismatch("{\"format\":\"date\",\"pattern\":\"^\\\\d$\"}", "\"ab\""))
                .isEqualTo("/pattern");
    }

    @Test
    void checksByPatternsThatItKnows() {
        String unknown = "{\"pattern\":\"^\\\\p{Emoji_Component}+$\"}";

        assertThat(mismatch(unknown, "\"a\"")).isNull();
        assertThat(refusal(SchemaDemand.ofArguments("f", "the.schema", json(unknown))))
                .contains("'pattern' (expected: one that this server can check)");
    }

    /** An annotation in the newest dialect, an assertion in older ones. */
    @Test
    void assertsNoFormats() {
        assertThat(mismatch(
                        "{\"$schema\":\"http://json-schema.org/draft-07/schema#\",\"format\":\"email\"}",
                        "\"no email\""))
                .isNull();
    }

    @Test
    void hasNoTextOfTheAnswerInItsMismatch() {
        assertThat(mismatch("{\"additionalProperties\":{\"type\":\"number\"}}", "{\"Ada\":\"secret\"}"))
                .isEqualTo("/additionalProperties/type");
    }

    @Test
    void boundsTheSizeOfSchemas() {
        String deep = "{\"not\":".repeat(70) + "{}" + "}".repeat(70);
        String longest = "{\"title\":\"" + "x".repeat(100_000) + "\"}";
        String pattern = "{\"pattern\":\"" + "x".repeat(501) + "\"}";

        assertThat(refusal(ofAnswer(deep, false))).contains("too deep");
        assertThat(refusal(ofAnswer(longest, false))).contains("too long");
        assertThat(refusal(ofAnswer(pattern, false))).contains("'pattern' (expected: at most 500 characters)");
    }

    /** Each level doubles the work: 2^60 evaluations. */
    @Test
    void givesUpOnAReferenceBomb() {
        StringBuilder definitions = new StringBuilder();
        for (int i = 0; i < 60; i++) {
            String next = "{\"$ref\":\"#/$defs/a" + (i + 1) + "\"}";
            definitions.append("\"a" + i + "\":{\"allOf\":[" + next + "," + next + "]},");
        }
        String schema = "{\"$ref\":\"#/$defs/a0\",\"$defs\":{" + definitions + "\"a60\":{\"type\":\"object\"}}}";

        assertThat(mismatch(schema, "{}")).isEqualTo("it takes too long to check");
    }

    @Test
    void givesUpOnAnEndlessReference() {
        assertThat(mismatch(
                        "{\"$ref\":\"#/$defs/a\",\"$defs\":{\"a\":{\"allOf\":[{\"$ref\":\"#/$defs/a\"},{\"$ref\":\"#/$defs/a\"}]}}}",
                        "{}"))
                .isEqualTo("it takes too long to check");
    }

    /** Backtracking would take years. */
    @ParameterizedTest
    @ValueSource(strings = {"^(a+)+$", "^(a|aa)+$", "^(.|a)*b$"})
    void givesUpOnACostlyPattern(String pattern) {
        assertThat(mismatch("{\"pattern\":\"" + pattern + "\"}", "\"" + "a".repeat(50_000) + "!\""))
                .isEqualTo("it takes too long to check");
    }

    /** Each text alone would be cheap enough; all of them would take hours. */
    @Test
    void givesUpOnManyCostlyTexts() {
        String answer = "[" + ("\"" + "a".repeat(24) + "!\",").repeat(20_000) + "\"\"]";

        assertThat(mismatch("{\"items\":{\"not\":{\"pattern\":\"^(a+)+$\"}}}", answer))
                .isEqualTo("it takes too long to check");
    }

    /** One costly pattern is a mismatch; inside {@code anyOf}, each of many would be tried. */
    @Test
    void givesUpOnManyCostlyPatterns() {
        String pattern = "{\"pattern\":\"^(a|aa)+$\"}";
        String schema = "{\"anyOf\":[" + (pattern + ",").repeat(100) + pattern + "]}";

        assertThat(mismatch(schema, "\"" + "a".repeat(50_000) + "!\"")).isEqualTo("it takes too long to check");
    }

    /** Inside {@code not} and {@code anyOf}, all errors are found: here 8 millions, in gigabytes. */
    @ParameterizedTest
    @ValueSource(strings = {"{\"not\":%s}", "{\"anyOf\":[%s,{}]}", "{\"oneOf\":[%s,{}]}", "{\"if\":%s}"})
    void givesUpOnTooManyErrors(String schema) {
        StringBuilder names = new StringBuilder("\"a\"");
        for (int i = 0; i < 8000; i++) {
            names.append(",\"a").append(i).append('"');
        }
        String items = "{\"items\":{\"required\":[" + names + "]}}";

        assertThat(mismatch(schema.formatted(items), "[" + "{},".repeat(999) + "{}]"))
                .isEqualTo("it takes too long to check");
    }

    /** Only the first error of each part is kept. */
    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "{\"contains\":{\"type\":\"string\"},\"minContains\":2} | [1,\"a\",2,\"b\"] |",
                "{\"contains\":{\"type\":\"string\"},\"minContains\":3} | [1,\"a\",2,\"b\"] | /contains",
                "{\"oneOf\":[{\"required\":[\"a\",\"b\"]},{\"type\":\"object\"}]} | {} |",
                "{\"oneOf\":[{\"required\":[\"a\",\"b\"]},{},{}]} | {} | /oneOf",
                "{\"if\":{\"required\":[\"a\",\"b\"]},\"then\":false} | {} |",
                "{\"not\":{\"required\":[\"a\",\"b\"]}} | {} |",
                "{\"not\":{\"required\":[\"a\"]}} | {\"a\":1} | /not",
                "{\"propertyNames\":{\"maxLength\":1}} | {\"a\":1,\"bb\":2} | /propertyNames/maxLength",
                "{\"anyOf\":[{\"properties\":{\"a\":{\"type\":\"null\"}}},{\"properties\":{\"b\":{}}}],\"unevaluatedProperties\":false} | {\"a\":1,\"b\":2} | /unevaluatedProperties"
            })
    void evaluatesAlternatives(String schema, String answer, @Nullable String mismatch) {
        assertThat(mismatch(schema, answer)).isEqualTo(mismatch);
    }

    /** The library would load a document of the class path. */
    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "\"$ref\":\"classpath:application.yaml\" | $ref",
                "\"$ref\":\"http://127.0.0.1:1/a\" | $ref",
                "\"not\":{\"$id\":\"file:///etc/\"} | $id",
                "\"$schema\":\"http://127.0.0.1:1/a\" | $schema",
                "\"$dynamicRef\":\"#x\" | $dynamicRef"
            })
    void refusesReferencesThroughData(String data, String keyword) {
        String schema = "{\"$ref\":\"#/default\",\"default\":{" + data + "}}";

        assertThat(refusal(ofAnswer(schema, false)))
                .isEqualTo("the.schema: '" + keyword + "' (expected: none in values)");
    }

    @Test
    void boundsTheMessageOfARefusal() {
        assertThat(refusal(ofAnswer("{\"$ref\":\"#/" + "x".repeat(40_000) + "\"}", false)))
                .startsWith("the.schema: not a JSON schema: ")
                .hasSize(513);
    }

    /** The library compares with a number of 64 bits. */
    @Test
    void refusesANumberThatTheLibraryCannotCompare() {
        assertThat(refusal(ofAnswer("{\"maxLength\":1e300}", false))).contains("not a JSON schema: ");
    }

    @Test
    void doesNotCheckAnAnswerThatIsTooLong() {
        assertThat(mismatch("{}", "\"" + "a".repeat(2 << 20) + "\"")).isEqualTo("it is too long to check");
    }

    private @Nullable String mismatch(String schema, String answer) {
        List<List<ChatEvent>> events = List.of(text(answer), List.of(end(FinishReason.STOP)));
        checked(events, ofAnswer(schema, false)).blockLast(TIMEOUT);
        return mismatches.isEmpty() ? null : mismatches.getFirst();
    }

    private AnswerCheck compile(SchemaDemand demand) {
        return Objects.requireNonNull(
                schemas.compile(List.of(demand), Runnable::run).block(TIMEOUT));
    }

    private String refusal(SchemaDemand demand) {
        String[] message = {""};
        assertThatExceptionOfType(LlmException.class)
                .isThrownBy(() -> compile(demand))
                .satisfies(e -> assertThat(e.failure()).isInstanceOfSatisfying(InvalidRequest.class, refusal -> {
                    assertThat(refusal.field()).isEqualTo("the.schema");
                    message[0] = refusal.message();
                }));
        return message[0];
    }

    private Flux<List<ChatEvent>> checked(List<List<ChatEvent>> events, SchemaDemand demand) {
        AnswerCheck check = Objects.requireNonNull(compile(demand));
        return check.check(Flux.fromIterable(events), mismatches::add, Runnable::run);
    }

    private static SchemaDemand ofAnswer(String schema, boolean strict) {
        return SchemaDemand.ofAnswer("the.schema", json(schema), strict);
    }

    private static tools.jackson.databind.JsonNode json(String text) {
        return JsonMapper.shared().readTree(text);
    }

    private static List<ChatEvent> text(String text) {
        return List.of(delta(text));
    }

    private static ChatEvent delta(String text) {
        return new TextDelta(JsonText.of(text));
    }

    private static ChatEvent call(String function, String arguments) {
        return new ToolCallDelta(0, new Part.ToolCall("call_1", function, arguments));
    }

    private static ChatEvent end(FinishReason reason) {
        return new Finished(reason, new Usage(1, null, 1), Timings.ZERO);
    }
}
