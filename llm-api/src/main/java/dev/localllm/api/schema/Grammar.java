package dev.localllm.api.schema;

import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * What the grammar of the model server, llama.cpp's, ignores in a schema: an answer that it generates may not match these
 * keywords. It looks at a reference first, then at alternatives, then at the rest; at a pattern before a format.
 */
final class Grammar {

    /** Ignored wherever they are. */
    static final Set<String> IGNORED = Set.of(
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

    private static final Set<String> WITHOUT_EFFECT = Set.of(
            "$schema",
            "$id",
            "$anchor",
            "$comment",
            "$defs",
            "definitions",
            "title",
            "description",
            "default",
            "examples",
            "deprecated",
            "readOnly",
            "writeOnly",
            "discriminator");

    private Grammar() {}

    /** The first keyword of the schema that is ignored, apart from those of its subschemas; null for none. */
    static @Nullable String ignoredKeyword(JsonNode schema) {
        Set<String> types = types(schema);
        for (Map.Entry<String, JsonNode> keyword : schema.properties()) {
            if (isIgnored(keyword.getKey(), keyword.getValue(), schema, types)) {
                return keyword.getKey();
            }
        }
        return null;
    }

    private static boolean isIgnored(String name, JsonNode value, JsonNode schema, Set<String> types) {
        if (IGNORED.contains(name)) {
            return !(name.equals("propertyNames") && isString(value));
        }
        if (WITHOUT_EFFECT.contains(name)) {
            return false;
        }
        if (schema.has("$ref")) {
            return !name.equals("$ref");
        }
        if (schema.has("anyOf") || schema.has("oneOf")) {
            return !Set.of("anyOf", "oneOf", "type").contains(name);
        }
        return switch (name) {
            case "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum" ->
                !types.contains("integer") || types.contains("number");
            case "allOf" -> schema.has("properties") || !(types.isEmpty() || types.equals(Set.of("object")));
            case "items" -> schema.has("prefixItems");
            case "required" -> !value.valueStream().allMatch(required -> isGenerated(required.asString(""), schema));
            case "pattern" -> !(isRepeated(schema) || isGenerated(value.asString("")));
            case "format" -> isOfStrings(types) && !isFormat(value.asString("")) && !schema.has("pattern");
            case "minLength", "maxLength" -> schema.has("pattern") || schema.has("format");
            default -> false;
        };
    }

    /** True for a schema of names, which are strings anyway. */
    private static boolean isString(JsonNode schema) {
        return schema.size() == 1 && schema.path("type").asString("").equals("string");
    }

    /** True if a pattern only repeats a format that the grammar generates. */
    private static boolean isRepeated(JsonNode schema) {
        return isFormat(schema.path("format").asString(""));
    }

    /**
     * A copy of the schema to generate by, without patterns that only repeat a format: the grammar would generate by the
     * pattern, of which it knows less.
     */
    static JsonNode toGenerate(JsonNode schema) {
        JsonNode copy = schema.deepCopy();
        for (JsonNode parent : copy.findParents("pattern")) {
            if (parent instanceof ObjectNode object && isRepeated(object)) {
                object.remove("pattern");
            }
        }
        return copy;
    }

    private static Set<String> types(JsonNode schema) {
        JsonNode type = schema.path("type");
        Set<String> types = new HashSet<>();
        if (type.isString()) {
            types.add(type.stringValue());
        }
        type.forEach(item -> types.add(item.asString("")));
        return types;
    }

    /** Formats of numbers, such as int32, demand nothing. */
    private static boolean isOfStrings(Set<String> types) {
        return types.isEmpty() || types.contains("string");
    }

    private static boolean isFormat(String format) {
        return format.matches("date|time|date-time|uuid[1-5]?");
    }

    private static boolean isGenerated(String property, JsonNode schema) {
        return schema.path("properties").has(property) || schema.has("allOf");
    }

    /** True for a pattern of the whole text, without classes such as \d, anchors inside, and special groups. */
    private static boolean isGenerated(String pattern) {
        int last = pattern.length() - 1;
        if (last < 1 || pattern.charAt(0) != '^' || pattern.charAt(last) != '$') {
            return false;
        }
        boolean inClass = false;
        for (int i = 1; i < last; i++) {
            char c = pattern.charAt(i);
            char next = pattern.charAt(i + 1);
            switch (c) {
                case '\\' -> {
                    if (Character.isLetterOrDigit(next) || i + 1 == last) {
                        return false;
                    }
                    i++;
                }
                case '[' -> {
                    i += !inClass && next == '^' ? 1 : 0;
                    inClass = true;
                }
                case ']' -> inClass = false;
                case '^', '$' -> {
                    if (!inClass) {
                        return false;
                    }
                }
                case '(' -> {
                    if (!inClass && next == '?') {
                        return false;
                    }
                }
                default -> {}
            }
        }
        return !inClass;
    }
}
