package dev.localllm.api.schema;

import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/**
 * A schema that a part of the answer must match.
 *
 * @param function whose arguments must match; null for the answer's text
 * @param field path of the schema in the request
 * @param schema null for any JSON object
 * @param strict true if a mismatch is a failure; otherwise the response tells it
 */
public record SchemaDemand(
        @Nullable String function, String field, @Nullable JsonNode schema, boolean strict) {

    /** The JSON schema for the model server, which may differ from this one where its grammar needs that. */
    public static String toGenerate(JsonNode schema) {
        return Grammar.toGenerate(schema).toString();
    }

    public static SchemaDemand ofAnyObject() {
        return new SchemaDemand(null, "", null, false);
    }

    public static SchemaDemand ofAnswer(String field, JsonNode schema, boolean strict) {
        return new SchemaDemand(null, field, schema, strict);
    }

    public static SchemaDemand ofArguments(String function, String field, JsonNode schema) {
        return new SchemaDemand(function, field, schema, true);
    }
}
