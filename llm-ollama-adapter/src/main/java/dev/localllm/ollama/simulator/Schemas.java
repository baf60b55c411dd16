package dev.localllm.ollama.simulator;

import java.util.List;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.MissingNode;
import tools.jackson.databind.node.ObjectNode;

/** Reads the parts of a JSON schema: references, merged schemas, and types. */
record Schemas(JsonNode root) {

    private static final int MAX_DEPTH = 8;

    /** The schema that a reference into the same document points to; missing if there is none. */
    JsonNode target(JsonNode schema) {
        String reference = schema.path("$ref").asString("");
        if (!reference.startsWith("#")) {
            return MissingNode.getInstance();
        }
        JsonNode target = root;
        for (String step : reference.substring(1).split("/", -1)) {
            if (step.isEmpty()) {
                continue;
            }
            String name = step.replace("~1", "/").replace("~0", "~");
            target = target.isArray() ? target.path(index(name)) : target.path(name);
        }
        return target;
    }

    /** The schema itself, or what its references and the first of its alternatives lead to, with allOf merged. */
    JsonNode resolved(JsonNode schema) {
        JsonNode resolved = merged(schema);
        for (int i = 0; i < MAX_DEPTH; i++) {
            if (resolved.has("$ref")) {
                resolved = merged(target(resolved));
            } else if (!alternatives(resolved).isEmpty()) {
                resolved = merged(alternatives(resolved).get(0));
            } else {
                return resolved;
            }
        }
        return resolved;
    }

    static JsonNode alternatives(JsonNode schema) {
        return schema.path(schema.has("oneOf") ? "oneOf" : "anyOf");
    }

    /** The schema with the keywords of all schemas in allOf; properties and required are united. */
    JsonNode merged(JsonNode schema) {
        if (!schema.path("allOf").isArray()) {
            return schema;
        }
        ObjectNode merged = JsonNodeFactory.instance.objectNode();
        merge(schema, merged, 0);
        return merged;
    }

    /** The first type, or the one that the other keywords show; anything is an object. */
    static String type(JsonNode schema) {
        JsonNode type = schema.path("type");
        if (type.isArray()) {
            return type.path(0).asString("null");
        }
        if (type.isString()) {
            return type.stringValue();
        }
        if (schema.has("properties")) {
            return "object";
        }
        if (schema.has("items") || schema.has("prefixItems")) {
            return "array";
        }
        return List.of("pattern", "minLength", "maxLength").stream().anyMatch(schema::has) ? "string" : "object";
    }

    private void merge(JsonNode schema, ObjectNode merged, int depth) {
        if (depth > MAX_DEPTH) {
            return;
        }
        for (var keyword : schema.properties()) {
            JsonNode value = keyword.getValue();
            switch (keyword.getKey()) {
                case "allOf" -> value.forEach(part -> merge(part, merged, depth + 1));
                case "$ref" -> merge(target(schema), merged, depth + 1);
                case "properties" ->
                    value.properties()
                            .forEach(property -> merged.withObjectProperty("properties")
                                    .putIfAbsent(property.getKey(), property.getValue()));
                case "required" -> {
                    ArrayNode required = merged.withArrayProperty("required");
                    value.forEach(required::add);
                }
                default -> merged.putIfAbsent(keyword.getKey(), value);
            }
        }
    }

    private static int index(String step) {
        return step.matches("\\d{1,6}") ? Integer.parseInt(step) : -1;
    }
}
