package dev.localllm.api.schema;

import com.networknt.schema.Error;
import com.networknt.schema.ExecutionConfig;
import com.networknt.schema.Schema;
import com.networknt.schema.ValidationLimitExceededException;
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
    private static final String TOO_COSTLY = "it takes too long to check";

    private static final ExecutionConfig LIMITS = ExecutionConfig.builder()
            .failFast(true)
            .formatAssertionsEnabled(false)
            .maxEvaluationSteps(500_000)
            .maxEvaluationDepth(1_000)
            .build();

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
            List<Error> errors = errors(schema, node);
            return BoundedPattern.hasGivenUp() ? TOO_COSTLY : errors.isEmpty() ? null : described(errors.getFirst());
        } catch (ValidationLimitExceededException | StackOverflowError e) {
            return TOO_COSTLY;
        }
    }

    /**
     * The first error, or none.
     *
     * @throws ValidationLimitExceededException if the work exceeds its limits
     */
    static List<Error> errors(Schema schema, JsonNode node) {
        BoundedPattern.begin();
        return schema.validate(node, context -> context.setExecutionConfig(LIMITS));
    }

    private static String described(Error error) {
        String path = error.getEvaluationPath().toString();
        return path.length() <= MAX_PATH ? path : path.substring(0, MAX_PATH) + "…";
    }
}
