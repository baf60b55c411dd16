package dev.localllm.api.openai.chat;

import dev.localllm.api.json.Fields;
import dev.localllm.api.openai.SchemaFields;
import dev.localllm.api.schema.SchemaDemand;
import dev.localllm.core.chat.ResponseFormat;
import java.util.List;

/** Reads the response format. */
final class FormatReader {

    private static final String TYPES = "text, json_object or json_schema";

    private FormatReader() {}

    /**
     * @param complete false if a stop sequence may truncate the answer: then a mismatch is no failure
     * @param demands gets the schema of the answer
     */
    static ResponseFormat format(Fields fields, boolean complete, List<SchemaDemand> demands) {
        Fields format = fields.object("response_format");
        if (format == null) {
            return new ResponseFormat.Text();
        }
        ResponseFormat read = switch (format.string("type")) {
            case "text" -> new ResponseFormat.Text();
            case "json_object" -> {
                demands.add(SchemaDemand.ofAnyObject());
                yield new ResponseFormat.Json();
            }
            case "json_schema" -> schema(format, complete, demands);
            case null -> throw format.missing("type", TYPES);
            default -> throw format.wrong("type", TYPES);
        };
        format.end(CompletionFields.RESPONSE_FORMAT);
        return read;
    }

    private static ResponseFormat schema(Fields format, boolean complete, List<SchemaDemand> demands) {
        Fields named = format.object("json_schema");
        if (named == null) {
            throw format.missing("json_schema", "an object with a name and a schema");
        }
        ResponseFormat read = SchemaFields.format(named, complete, demands);
        named.end(CompletionFields.JSON_SCHEMA);
        return read;
    }
}
