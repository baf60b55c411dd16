package dev.localllm.api.json;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.localllm.core.failure.LlmException;
import dev.localllm.core.failure.LlmFailure.InvalidRequest;
import java.io.ByteArrayInputStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Objects;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;

class FieldsTest {

    @Test
    void readsEveryKindOfField() {
        Fields fields = parse("""
                {"text":"a","yes":true,"no":false,"low":0,"high":2.0,"first":1,"last":10,"inner":{"x":"y"},
                "items":[{"x":"1"},{"x":"2"}],"one":"a","two":["a","b"],"none":[]}""");

        assertThat(fields.string("text")).isEqualTo("a");
        assertThat(fields.isString("text")).isTrue();
        assertThat(fields.isString("yes")).isFalse();
        assertThat(fields.bool("yes")).isTrue();
        assertThat(fields.bool("no")).isFalse();
        assertThat(fields.number("low", 0, 2)).isZero();
        assertThat(fields.number("high", 0, 2)).isEqualTo(2);
        assertThat(fields.integer("first", 1, 10)).isEqualTo(1);
        assertThat(fields.integer("last", 1, 10)).isEqualTo(10);
        assertThat(Objects.requireNonNull(fields.object("inner")).string("x")).isEqualTo("y");
        assertThat(fields.objects("items")).extracting(item -> item.string("x")).containsExactly("1", "2");
        assertThat(fields.strings("one", 2)).containsExactly("a");
        assertThat(fields.strings("two", 2)).containsExactly("a", "b");
        assertThat(fields.strings("none", 2)).isEmpty();
        fields.end(List.of());
        assertThat(fields.ignored()).isEmpty();
    }

    @Test
    void findsItemsOfAKindInArraysOnly() {
        Fields fields = parse("{\"mixed\":[\"a\",1],\"texts\":[\"a\"],\"object\":{\"x\":1},\"number\":1}");

        assertThat(fields.hasItem("mixed", JsonNode::isNumber)).isTrue();
        for (String name : List.of("texts", "object", "number", "absent")) {
            assertThat(fields.hasItem(name, JsonNode::isNumber)).as(name).isFalse();
        }
    }

    /** A client that leaves interrupts the thread that decodes its body. */
    @Test
    void readsToTheEndDespiteAnInterrupt() {
        Thread.currentThread().interrupt();

        assertThat(parse("{\"x\":\"y\"}").string("x")).isEqualTo("y");
        assertThat(Thread.interrupted()).isTrue();
    }

    @ParameterizedTest
    @ValueSource(strings = {"{}", "{\"x\":null}"})
    void readsNullLikeAnAbsentField(String json) {
        Fields fields = parse(json);

        assertThat(fields.isAbsent("x")).isTrue();
        assertThat(fields.string("x")).isNull();
        assertThat(fields.bool("x")).isFalse();
        assertThat(fields.number("x", 1, 2)).isNull();
        assertThat(fields.integer("x", 1, 2)).isNull();
        assertThat(fields.object("x")).isNull();
        assertThat(fields.objects("x")).isEmpty();
        assertThat(fields.strings("x", 1)).isEmpty();
        assertThat(fields.bool("x", true)).isTrue();
        assertThat(fields.json("x")).isNull();
        fields.ignore("x");
        fields.end(List.of(FieldRule.refused("x", "no")));
        assertThat(fields.ignored()).isEmpty();
    }

    static Stream<Arguments> wrongValues() {
        String number = "a number from 0.0 to 2.0";
        String integer = "a whole number from 1 to 10";
        String strings = "a string or an array of at most 2 strings, none of them empty";
        return Stream.of(
                wrong("5", fields -> fields.string("x"), "5", "a string"),
                wrong("1", fields -> fields.bool("x"), "1", "true or false"),
                wrong("true", fields -> fields.number("x", 0, 2), "true", number),
                wrong("-0.1", fields -> fields.number("x", 0, 2), "-0.1", number),
                wrong("2.1", fields -> fields.number("x", 0, 2), "2.1", number),
                wrong("1.5", fields -> fields.integer("x", 1, 10), "1.5", integer),
                wrong("0", fields -> fields.integer("x", 1, 10), "0", integer),
                wrong("11", fields -> fields.integer("x", 1, 10), "11", integer),
                wrong("36893488147419103233", fields -> fields.integer("x", 1, 10), "36893488147419103233", integer),
                wrong("[]", fields -> fields.object("x"), "an array", "an object"),
                wrong("{}", fields -> fields.objects("x"), "an object", "an array of objects"),
                wrong("5", fields -> fields.strings("x", 2), "5", strings),
                wrong("\"\"", fields -> fields.strings("x", 2), "\"\"", strings),
                wrong("[5]", fields -> fields.strings("x", 2), "an array", strings),
                wrong("[\"a\",\"b\",\"c\"]", fields -> fields.strings("x", 2), "an array", strings));
    }

    private static Arguments wrong(String json, Consumer<Fields> read, String shown, String expected) {
        return Arguments.of(json, read, "x: " + shown + " (expected: " + expected + ")");
    }

    @ParameterizedTest
    @MethodSource("wrongValues")
    void refusesAWrongValueByName(String json, Consumer<Fields> read, String message) {
        assertRefused(() -> read.accept(parse("{\"x\":" + json + "}")), "x", message);
    }

    @Test
    void namesThePathOfANestedField() {
        Fields fields = parse("{\"a\":{\"b\":[{},{\"c\":5}]},\"d\":[1]}");
        Fields second = Objects.requireNonNull(fields.object("a")).objects("b").getLast();

        assertRefused(() -> second.string("c"), "a.b[1].c", "a.b[1].c: 5 (expected: a string)");
        assertRefused(() -> fields.objects("d"), "d[0]", "d[0]: 1 (expected: an object)");
        assertThat(second.missing("e", "a thing")).hasMessageContaining("a.b[1].e: missing (expected: a thing)");
        assertThat(second.wrong("c", "a thing")).hasMessageContaining("a.b[1].c: 5 (expected: a thing)");
    }

    @ParameterizedTest
    @CsvSource({"62, false", "63, true"})
    void cutsALongValue(int length, boolean cut) {
        String quoted = "\"" + "a".repeat(length) + "\"";
        Fields fields = parse("{\"x\":" + quoted + "}");

        assertRefused(
                () -> fields.bool("x"),
                "x",
                "x: " + (cut ? quoted.substring(0, 64) + "…" : quoted) + " (expected: true or false)");
    }

    @Test
    void acceptsOnlyNeutralValues() {
        Fields fields = parse("{\"x\":[],\"y\":[1]}");

        assertRefused(
                () -> fields.end(List.of(
                        FieldRule.refused("x", "why", JsonNode::isEmpty),
                        FieldRule.refused("y", "why", JsonNode::isEmpty))),
                "y",
                "y: not supported (why)");
        assertRefused(
                () -> fields.end(List.of(
                        FieldRule.accepted("x", "an `empty` one", JsonNode::isEmpty),
                        FieldRule.accepted("y", "an `empty` one", JsonNode::isEmpty))),
                "y",
                "y: an array (expected: an empty one)");
    }

    @Test
    void namesIgnoredFieldsOfAllObjects() {
        Fields fields = parse("{\"z\":null,\"a\":1,\"b\":[{\"c\":2,\"d\":3}],\"e\":4,\"f\":{\"g\":5},\"h\":6}");
        Fields first = fields.objects("b").getFirst();
        first.end(List.of(FieldRule.ignored("c", "why")));
        assertThat(fields.integer("h", 1, 10)).isEqualTo(6);
        fields.ignore("h", "i");
        fields.end(List.of(FieldRule.honoured("a", ""), FieldRule.accepted("e", "", node -> true)));

        assertThat(fields.ignored()).containsExactly("b[0].c", "b[0].d", "h", "a", "f");
    }

    /** A rule alone does not honour a field. */
    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void refusesAFieldThatWasNotRead(boolean declared) {
        Fields fields = Fields.parse(stream("{\"x\":1,\"z\":null,\"y\":0}"), UnknownFields.REFUSE);
        assertThat(fields.integer("x", 1, 1)).isEqualTo(1);
        List<FieldRule> rules = declared ? List.of(FieldRule.honoured("y", ""), FieldRule.mapped("z", "")) : List.of();

        assertRefused(() -> fields.end(rules), "y", "y: unknown field");
    }

    @Test
    void acceptsIgnoredFieldsEvenIfUnknownOnesAreRefused() {
        Fields fields = Fields.parse(stream("{\"x\":1}"), UnknownFields.REFUSE);
        fields.end(List.of(FieldRule.ignored("x", "")));

        assertThat(fields.ignored()).containsExactly("x");
    }

    @ParameterizedTest
    @CsvSource({"{}, true", "'{\"a\":1}', true", "[], false", "'', false", "{, false", "{}{}, false", "null, false"})
    void knowsObjects(String json, boolean expected) {
        assertThat(Fields.isObject(json)).isEqualTo(expected);
    }

    @ParameterizedTest
    @ValueSource(strings = {"{\"x\":", "nonsense", "{} {}", "{\"x\":1,\"x\":2}"})
    void refusesWhatIsNotJson(String json) {
        assertThatExceptionOfType(LlmException.class)
                .isThrownBy(() -> parse(json))
                .withMessageContaining("The request's body is not JSON");
    }

    @Test
    void refusesWhatIsNotAnObjectInUtf8() {
        for (String json : List.of("[]", "5", "")) {
            assertRefused(() -> parse(json), null, "The request's body is not a JSON object.");
        }
        byte[] latin1 = "{\"x\":\"é\"}".getBytes(StandardCharsets.ISO_8859_1);
        assertRefused(
                () -> Fields.parse(new ByteArrayInputStream(latin1), UnknownFields.IGNORE),
                null,
                "The request's body is not JSON: it is not UTF-8.");
    }

    /** Their nodes would take a hundred times the memory of the body. */
    @Test
    void refusesABodyOfTooManyValues() {
        List<String> most =
                List.of("{\"x\":[" + "1,".repeat(99_000) + "1]}", "{\"x\":[" + "1,".repeat(100_000) + "1]}");

        assertThat(parse(most.getFirst()).isAbsent("x")).isFalse();
        assertThatExceptionOfType(LlmException.class).isThrownBy(() -> parse(most.getLast()));
    }

    private static void assertRefused(Runnable read, String field, String message) {
        assertThatExceptionOfType(LlmException.class)
                .isThrownBy(read::run)
                .satisfies(e -> assertThat(e.failure()).isEqualTo(new InvalidRequest(field, message)));
    }

    private static Fields parse(String json) {
        return Fields.parse(stream(json), UnknownFields.IGNORE);
    }

    private static ByteArrayInputStream stream(String json) {
        return new ByteArrayInputStream(json.getBytes(StandardCharsets.UTF_8));
    }
}
