package dev.localllm.ollama.simulator;

import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.function.BiFunction;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.BooleanNode;
import tools.jackson.databind.node.DoubleNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.LongNode;
import tools.jackson.databind.node.NullNode;
import tools.jackson.databind.node.ObjectNode;
import tools.jackson.databind.node.StringNode;

/**
 * Makes an instance of a JSON schema. Respects the keywords that llama.cpp's grammars respect and ignores the others, so
 * that an instance need not be valid. Recursive schemas end where a property is optional. Not thread-safe.
 */
final class Instances {

    private static final int MAX_DEPTH = 100;
    private static final int MAX_NODES = 10_000;
    private static final int MAX_LENGTH = 10_000;
    private static final String STRING = "simulated";
    private static final double NUMBER = 1.5;

    private final Schemas schemas;
    private final BiFunction<String, JsonNode, @Nullable JsonNode> given;
    private final Set<String> activeReferences = new HashSet<>();
    private int depth;
    private int nodes;

    /** @param given the value of a property with this name and schema, or null for the usual one */
    private Instances(JsonNode root, BiFunction<String, JsonNode, @Nullable JsonNode> given) {
        this.schemas = new Schemas(root);
        this.given = given;
    }

    /** Arguments of a tool. Values that the question gives need not match the schema. */
    static JsonNode arguments(JsonNode parameters, String question) {
        JsonNode made = new Instances(parameters, new NamedValues(question)::of).root(parameters);
        return made.isObject() ? made : JsonNodeFactory.instance.objectNode();
    }

    /** A structured answer. Strings that the question gives are used where the grammar permits them. */
    static JsonNode answer(JsonNode schema, String question) {
        NamedValues values = new NamedValues(question);
        return new Instances(schema, (name, property) -> permitted(values.of(name), property)).root(schema);
    }

    private static @Nullable JsonNode permitted(@Nullable String value, JsonNode schema) {
        if (value == null) {
            return null;
        }
        JsonNode string = StringNode.valueOf(value);
        if (schema.has("const") || schema.has("enum")) {
            boolean member = schema.path("enum").valueStream().anyMatch(string::equals)
                    || schema.path("const").equals(string);
            return member ? string : null;
        }
        boolean fits = Schemas.type(schema).equals("string")
                && value.length() >= schema.path("minLength").asInt(0)
                && value.length() <= schema.path("maxLength").asInt(MAX_LENGTH);
        return fits ? string : null;
    }

    private JsonNode root(JsonNode schema) {
        JsonNode made = make(schema);
        return made == null ? JsonNodeFactory.instance.objectNode() : made;
    }

    /** Null if an instance would be too deep, too large, or endless. */
    private @Nullable JsonNode make(JsonNode schema) {
        if (depth >= MAX_DEPTH || nodes >= MAX_NODES) {
            return null;
        }
        depth++;
        nodes++;
        try {
            return schema.has("$ref") ? target(schema) : plain(schemas.merged(schema));
        } finally {
            depth--;
        }
    }

    private @Nullable JsonNode target(JsonNode reference) {
        String pointer = reference.path("$ref").asString("");
        if (!activeReferences.add(pointer)) {
            return null;
        }
        try {
            return make(schemas.target(reference));
        } finally {
            activeReferences.remove(pointer);
        }
    }

    private @Nullable JsonNode plain(JsonNode schema) {
        JsonNode alternatives = Schemas.alternatives(schema);
        if (!alternatives.isEmpty()) {
            return first(alternatives);
        }
        if (schema.has("const")) {
            return schema.path("const");
        }
        if (!schema.path("enum").isEmpty()) {
            return schema.path("enum").get(0);
        }
        return switch (Schemas.type(schema)) {
            case "object" -> object(schema);
            case "array" -> array(schema);
            case "string" -> StringNode.valueOf(string(schema));
            case "integer" -> LongNode.valueOf(integer(schema));
            case "number" -> DoubleNode.valueOf(NUMBER);
            case "boolean" -> BooleanNode.TRUE;
            default -> NullNode.getInstance();
        };
    }

    private @Nullable JsonNode first(JsonNode alternatives) {
        for (JsonNode alternative : alternatives) {
            JsonNode made = make(alternative);
            if (made != null) {
                return made;
            }
        }
        return null;
    }

    private @Nullable JsonNode object(JsonNode schema) {
        List<String> required = schema.path("required")
                .valueStream()
                .map(name -> name.asString(""))
                .toList();
        ObjectNode object = JsonNodeFactory.instance.objectNode();
        for (var property : schema.path("properties").properties()) {
            JsonNode value = given.apply(property.getKey(), schemas.resolved(property.getValue()));
            if (value == null) {
                value = make(property.getValue());
            }
            if (value != null) {
                object.set(property.getKey(), value);
            } else if (required.contains(property.getKey())) {
                return null;
            }
        }
        return object;
    }

    private @Nullable JsonNode array(JsonNode schema) {
        ArrayNode array = JsonNodeFactory.instance.arrayNode();
        JsonNode items = schema.path(schema.has("items") ? "items" : "prefixItems");
        if (items.isArray()) {
            for (JsonNode item : items) {
                JsonNode made = make(item);
                if (made == null) {
                    return null;
                }
                array.add(made);
            }
            return array;
        }
        int min = schema.path("minItems").asInt(0);
        int size = Math.min(Math.max(1, min), schema.path("maxItems").asInt(Integer.MAX_VALUE));
        while (array.size() < size) {
            JsonNode made = make(items);
            if (made == null) {
                return array.size() < min ? null : array;
            }
            array.add(made);
        }
        return array;
    }

    private static String string(JsonNode schema) {
        int min = Math.min(schema.path("minLength").asInt(0), MAX_LENGTH);
        int max = schema.path("maxLength").asInt(MAX_LENGTH);
        String text = STRING.repeat(Math.max(1, Math.ceilDiv(min, STRING.length())));
        return text.substring(0, Math.min(Math.max(min, STRING.length()), Math.max(0, max)));
    }

    private static long integer(JsonNode schema) {
        long min = bound(schema, "minimum", Long.MIN_VALUE, true);
        long max = bound(schema, "maximum", Long.MAX_VALUE, false);
        if (schema.path("exclusiveMinimum").isNumber()) {
            min = Math.max(min, bound(schema, "exclusiveMinimum", 0, false) + 1);
        }
        if (schema.path("exclusiveMaximum").isNumber()) {
            max = Math.min(max, bound(schema, "exclusiveMaximum", 0, true) - 1);
        }
        return Math.max(min, Math.min(max, 1));
    }

    private static long bound(JsonNode schema, String keyword, long otherwise, boolean up) {
        JsonNode bound = schema.path(keyword);
        if (!bound.isNumber()) {
            return otherwise;
        }
        if (bound.isIntegralNumber() && bound.canConvertToLong()) {
            return bound.longValue();
        }
        return (long) (up ? Math.ceil(bound.doubleValue()) : Math.floor(bound.doubleValue()));
    }
}
