package dev.localllm.api.schema;

import com.networknt.schema.Error;
import com.networknt.schema.Schema;
import java.util.List;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.core.StreamReadFeature;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** A compiled schema. Thread-safe. The work of a check is bounded. */
final class AnswerSchema {

    private static final JsonMapper MAPPER = JsonMapper.builder()
            .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
            .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
            .build();

    private static final int MAX_PATH = 200;
    private static final String NOT_JSON = "it is not JSON";
    private final SchemaDemand demand;
    private final @Nullable Schema schema;

    /** @param schema null if any JSON object matches */
    AnswerSchema(SchemaDemand demand, @Nullable Schema schema) {
        this.demand = demand;
        this.schema = schema;
    }

    SchemaDemand demand() {
        return demand;
    }

    /**
     * The part of the schema that the JSON does not match, such as {@code /properties/age/type}; null if it matches. Has
     * no text of the JSON.
     */
    @Nullable
    String mismatch(String json) {
        JsonNode node;
        try {
            node = MAPPER.readTree(json);
        } catch (JacksonException e) {
            return NOT_JSON;
        }
        if (node.isMissingNode()) {
            return NOT_JSON;
        }
        if (schema == null) {
            return node.isObject() ? null : "it is not a JSON object";
        }
        try {
            List<Error> errors = BoundedCheck.errors(schema, node);
            return errors.isEmpty() ? null : described(errors.getFirst());
        } catch (BoundedCheck.TooMuchWork e) {
            return "it takes too long to check";
        } catch (RuntimeException | LinkageError e) { // the library fails at some numbers, and lacks its YAML here
            return "it can't be checked";
        }
    }

    private static String described(Error error) {
        String path = error.getEvaluationPath().toString();
        return path.length() <= MAX_PATH ? path : path.substring(0, MAX_PATH) + "…";
    }
}
