package dev.localllm.api;

import java.util.List;
import java.util.Random;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/** JSON schemas that would cost a careless server its memory or minutes, and usual ones. */
final class FuzzedSchemas {

    private static final List<String> USUAL = List.of(
            "{}",
            "{\"type\":\"object\"}",
            "{\"type\":\"object\",\"properties\":{\"city\":{\"type\":\"string\"},\"days\":{\"type\":\"integer\"}},\"required\":[\"city\"]}",
            "{\"type\":\"object\",\"properties\":{\"n\":{\"type\":\"number\",\"minimum\":5}}}",
            "{\"type\":\"array\",\"items\":{\"type\":\"integer\"},\"minItems\":2,\"uniqueItems\":true}",
            "{\"enum\":[1,\"가\",null]}",
            "{\"$ref\":\"#/$defs/a\",\"$defs\":{\"a\":{\"type\":\"string\",\"format\":\"date\"}}}");

    private static final String TREE = "{\"$ref\":\"#/$defs/t\",\"$defs\":{\"t\":{\"type\":\"object\",\"properties\":{"
            + "\"left\":{\"$ref\":\"#/$defs/t\"},\"right\":{\"$ref\":\"#/$defs/t\"}}%s}}}";
    private static final String THROUGH_DATA = "{\"$ref\":\"#/default\",\"default\":%s}";
    private static final String COSTLY = "{\"pattern\":\"^(a|aa)+$\"}";
    private static final String COSTLY_ANSWER =
            "{\"type\":\"object\",\"properties\":{\"a\":{\"enum\":[\"" + "a".repeat(3000) + "!\"]}},%s}";

    private static final List<Supplier<String>> BOMBS = List.of(
            () -> fanOut("allOf"),
            () -> fanOut("anyOf"),
            () -> fanOut("oneOf"),
            () -> fanOut("not"),
            () -> "{\"allOf\":[{\"$ref\":\"#\"},{\"$ref\":\"#\"}]}",
            () -> "{\"anyOf\":[{\"$ref\":\"#\"},{\"$ref\":\"#\"}]}",
            () -> "{\"$ref\":\"#\"}",
            () -> TREE.formatted(""),
            () -> TREE.formatted(",\"required\":[\"left\",\"right\"]"),
            () -> nested("{\"not\":", "{}", 63),
            () -> nested("{\"items\":", "{}", 400),
            () -> nested("{\"allOf\":[", "{}", 100),
            () -> nested("{\"properties\":{\"properties\":", "{}", 30),
            () -> nested("{\"items\":", "{}", 2000),
            () -> "{\"enum\":[" + names(5000) + "]}",
            () -> "{\"type\":\"object\",\"required\":[" + names(5000) + "]}",
            () ->
                    "{\"type\":\"array\",\"items\":{\"type\":\"object\"},\"minItems\":1000,\"not\":{\"items\":{\"required\":["
                            + names(5000) + "]}}}",
            () -> "{\"enum\":[" + "0,".repeat(150_000) + "0]}",
            () -> "{\"title\":\"" + "x".repeat(100_000) + "\"}",
            () -> "{\"properties\":{" + names(3000).replace(",", ":{},") + ":{}}}",
            () -> "{\"patternProperties\":{" + names(2000).replace(",", ":{},")
                    + ":{}},\"additionalProperties\":false}",
            () -> COSTLY_ANSWER.formatted("\"additionalProperties\":" + COSTLY + ",\"propertyNames\":" + COSTLY),
            () -> COSTLY_ANSWER.formatted(
                    "\"not\":{\"properties\":{\"a\":{\"anyOf\":[" + repeated(COSTLY, 300) + "]}}}"),
            () -> "{\"type\":\"string\",\"pattern\":\"^(a{1,1000}){1,1000}$\"}",
            () -> "{\"type\":\"string\",\"pattern\":\"" + "(".repeat(400) + ")*".repeat(400) + "\"}",
            () -> "{\"type\":\"string\",\"pattern\":\"" + "(a|".repeat(200_000 / 3) + "\"}",
            () -> "{\"type\":\"string\",\"pattern\":\"[\"}",
            () -> "{\"type\":\"string\",\"minLength\":1000000000,\"maxLength\":1e300}",
            () -> "{\"type\":\"string\",\"minLength\":-1}",
            () -> "{\"type\":\"array\",\"items\":{\"type\":\"array\",\"minItems\":1000000000},\"minItems\":1000000000}",
            () -> "{\"type\":\"integer\",\"minimum\":1e400,\"multipleOf\":1e-300}",
            () -> "{\"type\":\"number\",\"multipleOf\":1e-999999999}",
            () -> "{\"$ref\":\"http://127.0.0.1:1/a\"}",
            () -> "{\"$ref\":\"file:///etc/passwd\"}",
            () -> "{\"$ref\":\"classpath:application.yaml\"}",
            () -> "{\"$ref\":\"#/$defs/%%\",\"$defs\":{\"%%\":{\"$ref\":\"\"}}}",
            () -> "{\"$id\":\"file:///etc/\",\"properties\":{\"a\":{\"$ref\":\"#/none\"}}}",
            () -> "{\"properties\":{\"a\":{\"$id\":\"http://127.0.0.1:1/\",\"$ref\":\"b\"}}}",
            () -> THROUGH_DATA.formatted("{\"$ref\":\"http://127.0.0.1:1/a\"}"),
            () -> THROUGH_DATA.formatted("{\"$id\":\"file:///etc/\",\"$ref\":\"passwd\"}"),
            () -> THROUGH_DATA.formatted("{\"$dynamicRef\":\"#x\"}"),
            () -> THROUGH_DATA.formatted("{\"$schema\":\"http://127.0.0.1:1/a\"}"),
            () -> THROUGH_DATA.formatted("{\"type\":5,\"properties\":[],\"required\":5,\"items\":5,\"allOf\":7}"),
            () -> "{\"$schema\":\"http://json-schema.org/draft-04/schema#\"}",
            () -> "{\"$schema\":\"http://127.0.0.1:1/a\"}",
            () -> "{\"$schema\":null}",
            () -> "{\"type\":\"objekt\",\"properties\":5}",
            () -> "{\"$dynamicRef\":\"#a\",\"$dynamicAnchor\":\"a\"}",
            () -> "{\"$anchor\":\"a\",\"$ref\":\"#a\"}");

    private FuzzedSchemas() {}

    /** A schema whose check is given up after a tenth of a second. */
    static String costly() {
        return fanOut("anyOf");
    }

    static String any(Random random) {
        return random.nextInt(48) > 0
                ? USUAL.get(random.nextInt(USUAL.size()))
                : BOMBS.get(random.nextInt(BOMBS.size())).get();
    }

    /** Sixty definitions, each of which refers to the next one twice. */
    private static String fanOut(String keyword) {
        String definitions = IntStream.range(0, 60)
                .mapToObj(i -> {
                    String next = "{\"$ref\":\"#/$defs/a" + (i + 1) + "\"}";
                    return "\"a" + i + "\":"
                            + (keyword.equals("not")
                                    ? "{\"not\":" + next + ",\"if\":" + next + "}"
                                    : "{\"" + keyword + "\":[" + next + "," + next + "]}");
                })
                .collect(Collectors.joining(","));
        return "{\"$ref\":\"#/$defs/a0\",\"$defs\":{" + definitions + ",\"a60\":{\"type\":\"string\"}}}";
    }

    private static String nested(String opening, String inner, int depth) {
        String closing = opening.replaceAll("[^\\[{]", "").replace('[', ']').replace('{', '}');
        return opening.repeat(depth)
                + inner
                + new StringBuilder(closing).reverse().toString().repeat(depth);
    }

    private static String names(int count) {
        return IntStream.range(0, count).mapToObj(i -> "\"a" + i + "\"").collect(Collectors.joining(","));
    }

    private static String repeated(String item, int count) {
        return (item + ",").repeat(count - 1) + item;
    }
}
