package dev.localllm.api.openai;

import dev.localllm.api.json.Fields;
import dev.localllm.api.schema.SchemaDemand;
import dev.localllm.core.chat.ResponseFormat;
import java.util.List;
import tools.jackson.databind.JsonNode;

/** Reads the schema of an answer: {@code name}, {@code schema} and {@code strict}, whatever object they are in. */
public final class SchemaFields {

    private SchemaFields() {}

    /**
     * The format that the schema describes.
     *
     * @param complete false if a stop sequence may truncate the answer: then a mismatch is no failure
     * @param demands gets the schema
     */
    public static ResponseFormat format(Fields named, boolean complete, List<SchemaDemand> demands) {
        if (named.string("name") == null) {
            throw named.missing("name", "the schema's name");
        }
        JsonNode schema = named.json("schema");
        if (schema == null) {
            throw named.missing("schema", "a JSON schema");
        }
        demands.add(SchemaDemand.ofAnswer(named.path("schema"), schema, named.bool("strict") && complete));
        return new ResponseFormat.JsonSchema(SchemaDemand.toGenerate(schema));
    }
}
