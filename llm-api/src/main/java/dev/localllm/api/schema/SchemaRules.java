package dev.localllm.api.schema;

import dev.localllm.core.failure.LlmException;
import dev.localllm.core.failure.LlmFailure.InvalidRequest;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;
import tools.jackson.databind.JsonNode;

/**
 * Refuses schemas that are too costly to check, refer to other documents, or demand strictly what the model server's
 * grammar ignores. One per schema.
 */
final class SchemaRules {

    private static final int MAX_CHARACTERS = 100_000;
    private static final int MAX_DEPTH = 64;
    private static final int MAX_PATTERN = 500;
    private static final int MAX_FAULT = 500;

    private static final String DEFAULT_DIALECT = "https://json-schema.org/draft/2020-12/schema";

    static final Set<String> DIALECTS = Set.of(
            "http://json-schema.org/draft-07/schema", "https://json-schema.org/draft/2019-09/schema", DEFAULT_DIALECT);

    /** They change what a reference means. */
    private static final Set<String> REFUSED =
            Set.of("$dynamicRef", "$dynamicAnchor", "$recursiveRef", "$recursiveAnchor", "$vocabulary");

    private static final List<String> REFERENCES = List.of("$ref", "$id", "$schema", "$dynamicRef", "$recursiveRef");

    /** Their values are schemas, or arrays of schemas. */
    private static final Set<String> SCHEMAS = Set.of(
            "items",
            "prefixItems",
            "additionalItems",
            "additionalProperties",
            "allOf",
            "anyOf",
            "oneOf",
            "not",
            "if",
            "then",
            "else",
            "contains",
            "propertyNames",
            "unevaluatedItems",
            "unevaluatedProperties");

    /** Their values map any names to schemas. */
    private static final Set<String> MAPS =
            Set.of("properties", "patternProperties", "$defs", "definitions", "dependentSchemas", "dependencies");

    private final SchemaDemand demand;

    private SchemaRules(SchemaDemand demand) {
        this.demand = demand;
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
            require(keyword.getKey(), keyword.getValue(), schema, depth);
        }
        if (isGenerated()) {
            requireOrder(schema, "minItems", "maxItems");
            requireOrder(schema, "minLength", "maxLength");
        }
        String ignored = isGenerated() && demand.strict() ? Grammar.ignoredKeyword(schema) : null;
        if (ignored != null) {
            throw refusal(
                    demand,
                    "'" + ignored
                            + "' can't be generated strictly: the model server's grammar ignores it here (leave it out, or"
                            + " use strict: false)");
        }
        for (Map.Entry<String, JsonNode> keyword : schema.properties()) {
            if (SCHEMAS.contains(keyword.getKey())) {
                schema(keyword.getValue(), depth + 1);
            } else if (MAPS.contains(keyword.getKey())) {
                keyword.getValue().forEach(item -> schema(item, depth + 1));
            } else {
                requireNoReference(keyword.getValue());
            }
        }
    }

    /** A reference could lead into data, and there to another document. */
    private void requireNoReference(JsonNode data) {
        for (String name : REFERENCES) {
            require(data.findValue(name) == null, name, "none in values");
        }
    }

    /** True if the model server generates by the schema, and does not only call a function. */
    private boolean isGenerated() {
        return demand.function() == null;
    }

    private void require(String name, JsonNode value, JsonNode schema, int depth) {
        switch (name) {
            case "$ref" ->
                require(
                        value.asString("").startsWith(isGenerated() ? "#/" : "#"),
                        name,
                        "a reference inside the schema, such as #/$defs/a");
            case "$schema" ->
                require(
                        depth == 0 && DIALECTS.contains(dialect(schema)),
                        name,
                        "draft 7, 2019-09 or 2020-12, at the top");
            case "$id", "$anchor" -> require(depth == 0, name, "none inside the schema");
            case "pattern" -> {
                require(value.asString("").length() <= MAX_PATTERN, name, "at most 500 characters");
                require(!demand.strict() || isKnown(value.asString("")), name, "one that this server can check");
            }
            default -> require(!REFUSED.contains(name), name, "none");
        }
    }

    /** Grammars expand a contradiction until memory ends. */
    private void requireOrder(JsonNode schema, String min, String max) {
        boolean contradiction = schema.path(min).isNumber()
                && schema.path(max).isNumber()
                && schema.path(min).asDouble() > schema.path(max).asDouble();
        require(!contradiction, min, "at most " + max);
    }

    private static boolean isKnown(String pattern) {
        try {
            Pattern.compile(pattern);
            return true;
        } catch (PatternSyntaxException e) {
            return false;
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

    /** @param fault cut if it is long: it may contain a whole pattern */
    static LlmException refusal(SchemaDemand demand, String fault) {
        String shown = fault.length() <= MAX_FAULT ? fault : fault.substring(0, MAX_FAULT) + "…";
        return new LlmException(new InvalidRequest(demand.field(), demand.field() + ": " + shown));
    }
}
