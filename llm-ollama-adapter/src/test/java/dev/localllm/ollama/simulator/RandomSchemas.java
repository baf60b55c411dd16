package dev.localllm.ollama.simulator;

import java.util.List;
import java.util.Random;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/** Random schemas of the keywords that the simulator respects. Every schema has a finite instance. */
final class RandomSchemas {

    private static final JsonNodeFactory JSON = JsonNodeFactory.instance;
    private static final List<String> DEFINITIONS = List.of("a", "b", "c");

    private final Random random;
    private int names;

    RandomSchemas(Random random) {
        this.random = random;
    }

    ObjectNode next() {
        ObjectNode schema = schema(4);
        ObjectNode definitions = schema.putObject("$defs");
        DEFINITIONS.forEach(name -> definitions.set(name, object(3)));
        return schema;
    }

    private ObjectNode schema(int depth) {
        return switch (random.nextInt(depth > 0 ? 14 : 8)) {
            case 0, 1 -> string();
            case 2, 3 -> integer();
            case 4 -> JSON.objectNode().put("type", "number").put("multipleOf", 7);
            case 5 -> JSON.objectNode().put("type", random.nextBoolean() ? "boolean" : "null");
            case 6 -> values();
            case 7 -> anyTypes();
            case 8 -> array(depth);
            case 9 -> alternatives(depth);
            case 10 -> allOf(depth);
            default -> object(depth);
        };
    }

    private ObjectNode string() {
        ObjectNode schema = JSON.objectNode().put("type", "string");
        int min = random.nextInt(30);
        if (random.nextBoolean()) {
            schema.put("minLength", min);
        }
        if (random.nextBoolean()) {
            schema.put("maxLength", min + random.nextInt(5));
        }
        return schema;
    }

    private ObjectNode integer() {
        ObjectNode schema = JSON.objectNode().put("type", "integer");
        int bound = random.nextInt(-50, 50);
        if (random.nextBoolean()) {
            schema.put(
                    random.nextBoolean() ? "minimum" : "exclusiveMinimum", random.nextBoolean() ? bound : bound - 0.5);
        }
        if (random.nextBoolean()) {
            schema.put(random.nextBoolean() ? "maximum" : "exclusiveMaximum", bound + 3);
        }
        return schema;
    }

    private ObjectNode values() {
        ObjectNode schema = JSON.objectNode();
        if (random.nextBoolean()) {
            return schema.put("const", random.nextInt());
        }
        schema.putArray("enum").add("x").add(2).addNull();
        return schema;
    }

    private ObjectNode anyTypes() {
        ObjectNode schema = JSON.objectNode();
        schema.putArray("type").add(random.nextBoolean() ? "string" : "integer").add("null");
        return schema;
    }

    private ObjectNode array(int depth) {
        ObjectNode schema = JSON.objectNode().put("type", "array");
        schema.set("items", schema(depth - 1));
        int min = random.nextInt(4);
        if (random.nextBoolean()) {
            schema.put("minItems", min);
        }
        if (random.nextBoolean()) {
            schema.put("maxItems", min + random.nextInt(3));
        }
        return schema;
    }

    private ObjectNode alternatives(int depth) {
        ObjectNode schema = JSON.objectNode();
        ArrayNode alternatives = schema.putArray(random.nextBoolean() ? "anyOf" : "oneOf");
        if (random.nextBoolean()) {
            alternatives.add(reference());
        }
        alternatives.add(schema(depth - 1)).add(JSON.objectNode().put("type", "null"));
        return schema;
    }

    private ObjectNode allOf(int depth) {
        ObjectNode schema = object(depth);
        schema.putArray("allOf").add(object(depth - 1)).add(object(depth - 1));
        return schema;
    }

    /** References are optional: a schema of required ones could have no finite instance. */
    private ObjectNode object(int depth) {
        ObjectNode schema = JSON.objectNode().put("type", "object");
        ObjectNode properties = schema.putObject("properties");
        ArrayNode required = schema.putArray("required");
        for (int i = random.nextInt(4); i > 0; i--) {
            String name = "p" + names++;
            properties.set(name, schema(depth - 1));
            if (random.nextBoolean()) {
                required.add(name);
            }
        }
        if (random.nextBoolean()) {
            properties.set("r" + names++, reference());
        }
        return schema;
    }

    private ObjectNode reference() {
        String name = DEFINITIONS.get(random.nextInt(DEFINITIONS.size()));
        return JSON.objectNode().put("$ref", "#/$defs/" + name);
    }
}
