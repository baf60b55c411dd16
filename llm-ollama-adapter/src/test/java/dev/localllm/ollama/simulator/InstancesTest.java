package dev.localllm.ollama.simulator;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

@Timeout(60)
class InstancesTest {

    private static final String TREE = """
            {"$ref":"#/$defs/tree","$defs":{"tree":{"type":"object","required":["name","children","twin"],"properties":{
              "name":{"type":"string"},
              "left":{"$ref":"#/$defs/tree"},
              "children":{"type":"array","items":{"$ref":"#/$defs/tree"}},
              "twin":{"anyOf":[{"$ref":"#/$defs/tree"},{"type":"null"}]}}}}}""";

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '`', textBlock = """
                    {}                                                                     | {}
                    {"type":"object"}                                                      | {}
                    {"properties":{"b":{"type":"string"},"a":{"type":"boolean"}}}          | {"b":"simulated","a":true}
                    {"type":"integer"}                                                     | 1
                    {"type":"integer","minimum":1.5}                                       | 2
                    {"type":"integer","exclusiveMinimum":4}                                | 5
                    {"type":"integer","maximum":-3.5}                                      | -4
                    {"type":"integer","exclusiveMaximum":1}                                | 0
                    {"type":"integer","multipleOf":10}                                     | 1
                    {"type":"number","minimum":100}                                        | 1.5
                    {"type":"null"}                                                        | null
                    {"type":["boolean","null"]}                                            | true
                    {"type":"string","minLength":11}                                       | "simulatedsi"
                    {"type":"string","maxLength":3}                                        | "sim"
                    {"type":"string","pattern":"^[0-9]+$","format":"date"}                 | "simulated"
                    {"type":"string","enum":["red","green"]}                               | "red"
                    {"const":{"a":[1]}}                                                    | {"a":[1]}
                    {"type":"array","items":{"type":"integer"}}                            | [1]
                    {"type":"array","items":{"type":"integer"},"maxItems":0}               | []
                    {"type":"array","items":{"type":"integer"},"minItems":2,"uniqueItems":true} | [1,1]
                    {"type":"array","prefixItems":[{"type":"string"},{"type":"boolean"}]}  | ["simulated",true]
                    {"anyOf":[{"type":"boolean"},{"type":"string"}]}                       | true
                    {"oneOf":[{"type":"string"},{"type":"boolean"}]}                       | "simulated"
                    {"type":"integer","not":{"const":1}}                                   | 1
                    {"$ref":"#/definitions/x","definitions":{"x":{"type":"boolean"}}}      | true
                    {"$ref":"#/$defs/a~1b","$defs":{"a/b":{"type":"boolean"}}}             | true
                    {"allOf":[{"properties":{"a":{"type":"null"}}},{"$ref":"#/$defs/b"}],"$defs":{"b":{"properties":{"b":{"type":"boolean"}}}}} | {"a":null,"b":true}
                    """)
    void followsTheKeywordsThatAGrammarFollows(String schema, String instance) {
        assertThat(answer(schema, "")).hasToString(instance);
    }

    @Test
    void cutsRecursionWhereItIsOptional() {
        assertThat(answer(TREE, "")).hasToString("{\"name\":\"simulated\",\"children\":[],\"twin\":null}");
    }

    @Test
    void givesUpIfRecursionIsRequired() {
        assertThat(answer(TREE.replace("\"name\",", "\"left\","), "")).hasToString("{}");
    }

    @Test
    void boundsTheSize() {
        StringBuilder schema = new StringBuilder("{\"$ref\":\"#/$defs/d0\",\"$defs\":{");
        for (int i = 0; i < 40; i++) {
            schema.append(
                    "\"d%d\":{\"properties\":{\"a\":{\"$ref\":\"#/$defs/d%d\"},\"b\":{\"$ref\":\"#/$defs/d%d\"}}},"
                            .formatted(i, i + 1, i + 1));
        }
        schema.append("\"d40\":{\"type\":\"array\",\"minItems\":1000000000,\"items\":{\"type\":\"string\"}}}}");

        assertThat(answer(schema.toString(), "").toString()).hasSizeLessThan(1_000_000);
    }

    @Test
    void makesMatchingInstancesOfRandomSchemas() {
        long seed = Long.getLong("seed", System.nanoTime());
        Random random = new Random(seed);
        for (int i = 0; i < 3000; i++) {
            ObjectNode schema = new RandomSchemas(random).next();
            JsonNode instance = Instances.answer(schema, "");

            assertThat(new SchemaMatcher(schema).matches(schema, instance))
                    .as("-Dseed=%d, number %d: %s is no instance of %s", seed, i, instance, schema)
                    .isTrue();
        }
    }

    @Test
    void takesArgumentsFromTheQuestion() {
        JsonNode parameters = json("""
                {"type":"object","properties":{
                  "city":{"type":"string","enum":["Rome"]},
                  "days":{"type":"integer","maximum":2},
                  "hours":{"anyOf":[{"type":"number"},{"type":"null"}]},
                  "metric":{"type":"boolean"},
                  "zone":{"type":"string"},
                  "id":{"type":"string"}}}""");

        assertThat(Instances.arguments(parameters, "with city=Paris, days=3 hours=0.5 metric=false xzone=no id=7"))
                .hasToString(
                        "{\"city\":\"Paris\",\"days\":3,\"hours\":0.5,\"metric\":false,\"zone\":\"simulated\",\"id\":\"7\"}");
        assertThat(Instances.arguments(parameters, "with days=many metric=yes"))
                .hasToString(
                        "{\"city\":\"Rome\",\"days\":\"many\",\"hours\":1.5,\"metric\":\"yes\",\"zone\":\"simulated\",\"id\":\"simulated\"}");
    }

    @Test
    void alwaysMakesAnObjectOfArguments() {
        assertThat(Instances.arguments(json("{\"type\":\"string\"}"), "")).hasToString("{}");
        assertThat(Instances.arguments(json("{}").path("parameters"), "")).hasToString("{}");
    }

    @Test
    void takesStringsOfAnAnswerFromTheQuestionIfTheyFit() {
        String schema = """
                {"type":"object","properties":{
                  "city":{"type":"string"},
                  "unit":{"enum":["C","F"]},
                  "code":{"type":"string","maxLength":2},
                  "days":{"type":"integer"}}}""";

        assertThat(answer(schema, "city=Paris unit=F code=FR days=3"))
                .hasToString("{\"city\":\"Paris\",\"unit\":\"F\",\"code\":\"FR\",\"days\":1}");
        assertThat(answer(schema, "unit=K code=FRA"))
                .hasToString("{\"city\":\"simulated\",\"unit\":\"C\",\"code\":\"si\",\"days\":1}");
    }

    private static JsonNode answer(String schema, String question) {
        return Instances.answer(json(schema), question);
    }

    private static JsonNode json(String text) {
        return JsonMapper.shared().readTree(text);
    }
}
