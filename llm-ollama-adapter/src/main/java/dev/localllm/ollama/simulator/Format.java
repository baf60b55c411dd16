package dev.localllm.ollama.simulator;

import java.util.Set;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.JsonNodeFactory;

/**
 * The format that a request demands of its answer.
 *
 * @param schema null for any JSON
 */
record Format(@Nullable JsonNode schema) {

    private static final Set<String> TYPES =
            Set.of("object", "array", "string", "number", "integer", "boolean", "null");

    /** Null if the request has none. */
    static @Nullable Format parse(JsonNode format) {
        if (format.isMissingNode()
                || format.isNull()
                || (format.isString() && format.stringValue().isEmpty())) {
            return null;
        }
        if (format.isObject()) {
            check(format, new Schemas(format), "#");
            return new Format(format);
        }
        if (format.isString() && format.stringValue().equals("json")) {
            return new Format(null);
        }
        throw new Refusal(
                500,
                "invalid format: " + JsonMapper.shared().writeValueAsString(format.toString())
                        + "; expected \"json\" or a valid JSON Schema object");
    }

    /** The answer as compact JSON. */
    String answer(String question) {
        JsonNode answer = schema == null
                ? JsonNodeFactory.instance.objectNode().put("answer", Storyteller.opening(question))
                : Instances.answer(schema, question);
        return answer.toString();
    }

    private static void check(JsonNode schema, Schemas schemas, String path) {
        if (!schema.isObject()) {
            throw invalid(path, "schema must be an object");
        }
        JsonNode type = schema.path("type");
        if (type.isString() && !TYPES.contains(type.stringValue())) {
            throw invalid(path, "unrecognized type " + type.stringValue());
        }
        if (schema.has("$ref") && schemas.target(schema).isMissingNode()) {
            throw invalid(path, "cannot resolve $ref " + schema.path("$ref").asString(""));
        }
        for (String keyword : new String[] {"properties", "$defs", "definitions"}) {
            schema.path(keyword)
                    .forEachEntry((name, property) -> check(property, schemas, path + "/" + keyword + "/" + name));
        }
        for (String keyword : new String[] {"items", "prefixItems", "anyOf", "oneOf", "allOf"}) {
            JsonNode value = schema.path(keyword);
            if (value.isArray()) {
                for (int i = 0; i < value.size(); i++) {
                    check(value.get(i), schemas, path + "/" + keyword + "/" + i);
                }
            } else if (!value.isMissingNode()) {
                check(value, schemas, path + "/" + keyword);
            }
        }
    }

    private static Refusal invalid(String path, String problem) {
        return Refusal.byRunner(
                "Field 'json_schema': \"json_schema\": JSON schema conversion failed:\nJSON schema error at " + path
                        + ": " + problem);
    }
}
