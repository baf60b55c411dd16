package dev.localllm.ollama.simulator;

import java.util.List;
import java.util.stream.StreamSupport;
import tools.jackson.databind.JsonNode;

/** Checks an instance against the keywords that the simulator respects, independently of how it makes one. */
record SchemaMatcher(JsonNode root) {

    boolean matches(JsonNode schema, JsonNode instance) {
        return (!schema.has("$ref") || matches(target(schema.path("$ref").stringValue()), instance))
                && (!schema.has("anyOf") || count(schema.path("anyOf"), instance) > 0)
                && (!schema.has("oneOf") || count(schema.path("oneOf"), instance) > 0)
                && count(schema.path("allOf"), instance) == schema.path("allOf").size()
                && (!schema.has("const") || schema.path("const").equals(instance))
                && (!schema.has("enum") || schema.path("enum").valueStream().anyMatch(instance::equals))
                && (!schema.has("type") || hasType(schema.path("type"), instance))
                && matchesValue(schema, instance);
    }

    private boolean matchesValue(JsonNode schema, JsonNode instance) {
        return switch (instance.getNodeType()) {
            case OBJECT ->
                schema.path("required").valueStream().allMatch(name -> instance.has(name.stringValue()))
                        && schema.path("properties")
                                .propertyStream()
                                .filter(property -> instance.has(property.getKey()))
                                .allMatch(property -> matches(property.getValue(), instance.get(property.getKey())));
            case ARRAY ->
                isBetween(instance.size(), schema.path("minItems"), schema.path("maxItems"))
                        && (!schema.has("items")
                                || instance.valueStream().allMatch(item -> matches(schema.path("items"), item)));
            case STRING ->
                isBetween(instance.stringValue().length(), schema.path("minLength"), schema.path("maxLength"));
            case NUMBER ->
                instance.isFloatingPointNumber()
                        || (isBetween(instance.longValue(), schema.path("minimum"), schema.path("maximum"))
                                && isInside(instance.longValue(), schema));
            default -> true;
        };
    }

    private long count(JsonNode schemas, JsonNode instance) {
        return StreamSupport.stream(schemas.spliterator(), false)
                .filter(schema -> matches(schema, instance))
                .count();
    }

    private static boolean hasType(JsonNode type, JsonNode instance) {
        List<String> types =
                type.isArray() ? type.valueStream().map(JsonNode::stringValue).toList() : List.of(type.stringValue());
        return switch (instance.getNodeType()) {
            case OBJECT -> types.contains("object");
            case ARRAY -> types.contains("array");
            case STRING -> types.contains("string");
            case BOOLEAN -> types.contains("boolean");
            case NULL -> types.contains("null");
            case NUMBER -> types.contains("number") || (types.contains("integer") && instance.isIntegralNumber());
            default -> false;
        };
    }

    private static boolean isBetween(long value, JsonNode min, JsonNode max) {
        return value >= min.asDouble(Double.NEGATIVE_INFINITY) && value <= max.asDouble(Double.POSITIVE_INFINITY);
    }

    private static boolean isInside(long value, JsonNode schema) {
        return value > schema.path("exclusiveMinimum").asDouble(Double.NEGATIVE_INFINITY)
                && value < schema.path("exclusiveMaximum").asDouble(Double.POSITIVE_INFINITY);
    }

    private JsonNode target(String pointer) {
        return root.at(pointer.substring(1));
    }
}
