package dev.localllm.api.schema;

import dev.localllm.core.failure.LlmException;
import dev.localllm.core.failure.LlmFailure.InvalidRequest;
import java.util.Map;
import java.util.Set;
import tools.jackson.databind.JsonNode;

/**
 * Refuses schemas that are too costly to check, refer to other documents, or demand strictly what the model server's
 * grammar ignores. One per schema.
 */
final class SchemaRules {

    private static final int MAX_CHARACTERS = 100_000;
    private static final int MAX_DEPTH = 64;
    private static final int MAX_PATTERN = 500;

    private static final String DEFAULT_DIALECT = "https://json-schema.org/draft/2020-12/schema";

    static final Set<String> DIALECTS = Set.of(
            "http://json-schema.org/draft-07/schema", "https://json-schema.org/draft/2019-09/schema", DEFAULT_DIALECT);

    /** They change what a reference means. */
    private static final Set<String> REFUSED =
            Set.of("$dynamicRef", "$dynamicAnchor", "$recursiveRef", "$recursiveAnchor", "$vocabulary");

    static final Set<String> NOT_IN_GRAMMAR = Set.of(
            "multipleOf",
            "uniqueItems",
            "contains",
            "minContains",
            "maxContains",
            "minProperties",
            "maxProperties",
            "patternProperties",
            "propertyNames",
            "dependentRequired",
            "dependentSchemas",
            "dependencies",
            "unevaluatedProperties",
            "unevaluatedItems",
            "not",
            "if");

    private static final Set<String> NUMBER_LIMITS =
            Set.of("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum");
    private static final Set<String> FORMATS_IN_GRAMMAR = Set.of("date", "time", "date-time", "uuid");

    /** Formats of numbers, such as int32, demand nothing. */
    private static final Set<String> NUMBERS = Set.of("integer", "number");

    /** Their values are data, not schemas. */
    private static final Set<String> DATA = Set.of("enum", "const", "default", "examples", "required");

    /** Their values map any names to schemas. */
    private static final Set<String> MAPS =
            Set.of("properties", "patternProperties", "$defs", "definitions", "dependentSchemas", "dependencies");

    private final SchemaDemand demand;
    private final boolean generated;

    private SchemaRules(SchemaDemand demand) {
        this.demand = demand;
        this.generated = demand.strict() && demand.function() == null;
    }

    /** Throws an {@link LlmException} with {@link InvalidRequest} that names the field and the keyword. */
    static void check(SchemaDemand demand, JsonNode schema) {
        if (schema.toString().length() > MAX_CHARACTERS) {
            throw refusal(demand, "too long (expected: at most " + MAX_CHARACTERS + " characters)");
        }
        new SchemaRules(demand).schema(schema, 0);
    }

    private void schema(JsonNode schema, int depth) {
        if (depth > MAX_DEPTH) {
            throw refusal(demand, "too deep (expected: at most " + MAX_DEPTH + " levels)");
        }
        if (schema.isArray()) {
            schema.forEach(item -> schema(item, depth + 1));
        }
        for (Map.Entry<String, JsonNode> keyword : schema.properties()) {
            keyword(keyword.getKey(), keyword.getValue(), schema, depth);
        }
    }

    private void keyword(String name, JsonNode value, JsonNode schema, int depth) {
        switch (name) {
            case "$ref" -> require(value.asString("").startsWith("#"), name, "a reference inside the schema");
            case "$schema" ->
                require(
                        depth == 0 && DIALECTS.contains(dialect(schema)),
                        name,
                        "draft 7, 2019-09 or 2020-12, at the top");
            case "$id", "$anchor" -> require(depth == 0, name, "none inside the schema");
            case "pattern" -> require(value.asString("").length() <= MAX_PATTERN, name, "at most 500 characters");
            default -> require(!REFUSED.contains(name), name, "none");
        }
        if (generated) {
            requireInGrammar(name, value, schema);
        }
        if (MAPS.contains(name)) {
            value.forEach(item -> schema(item, depth + 1));
        } else if (!DATA.contains(name)) {
            schema(value, depth + 1);
        }
    }

    private void requireInGrammar(String name, JsonNode value, JsonNode schema) {
        String type = schema.path("type").asString("");
        boolean ignored = NOT_IN_GRAMMAR.contains(name)
                || (NUMBER_LIMITS.contains(name) && !type.equals("integer"))
                || (name.equals("format")
                        && !NUMBERS.contains(type)
                        && !FORMATS_IN_GRAMMAR.contains(value.asString("")));
        if (ignored) {
            throw refusal(
                    demand,
                    "'" + name
                            + "' can't be generated strictly: the model server's grammar ignores it (leave it out, or"
                            + " use strict: false)");
        }
    }

    private void require(boolean holds, String keyword, String expected) {
        if (!holds) {
            throw refusal(demand, "'" + keyword + "' (expected: " + expected + ")");
        }
    }

    /** The id of the schema's dialect. */
    static String dialect(JsonNode schema) {
        String id = schema.path("$schema").asString(DEFAULT_DIALECT);
        return id.endsWith("#") ? id.substring(0, id.length() - 1) : id;
    }

    static LlmException refusal(SchemaDemand demand, String fault) {
        return new LlmException(new InvalidRequest(demand.field(), demand.field() + ": " + fault));
    }
}
