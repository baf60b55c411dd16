package dev.localllm.api.schema;

import com.networknt.schema.Error;
import com.networknt.schema.InputFormat;
import com.networknt.schema.Schema;
import com.networknt.schema.SchemaLocation;
import com.networknt.schema.SchemaRegistry;
import com.networknt.schema.SchemaRegistryConfig;
import com.networknt.schema.SpecificationVersion;
import com.networknt.schema.path.PathType;
import dev.localllm.core.failure.LlmException;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Collectors;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/** Compiles schemas. Fetches nothing and caches nothing. Thread-safe; the first use takes a moment. */
final class SchemaCompiler {

    private static final SchemaRegistry REGISTRY = SchemaRegistry.withDefaultDialect(
            SpecificationVersion.DRAFT_2020_12,
            builder -> builder.schemaCacheEnabled(false)
                    .schemaLoader(loader -> loader.fetchRemoteResources(false))
                    .schemaRegistryConfig(SchemaRegistryConfig.builder()
                            .pathType(PathType.JSON_POINTER)
                            .regularExpressionFactory(BoundedPattern::new)
                            .build()));

    /** By their ids. */
    private static final Map<String, Schema> META_SCHEMAS = SchemaRules.DIALECTS.stream()
            .collect(Collectors.toMap(id -> id, id -> REGISTRY.getSchema(SchemaLocation.of(id))));

    private SchemaCompiler() {}

    /**
     * Compiles the schema.
     *
     * @throws LlmException that names the field, if the schema is invalid or too complex
     */
    static AnswerSchema compile(SchemaDemand demand) {
        JsonNode schema = demand.schema();
        if (schema == null) {
            return new AnswerSchema(demand, null);
        }
        SchemaRules.check(demand, schema);
        try {
            List<Error> errors = BoundedCheck.errors(metaSchema(schema), schema);
            if (!errors.isEmpty()) {
                throw SchemaRules.refusal(demand, "not a JSON schema: " + errors.getFirst());
            }
            Schema compiled = REGISTRY.getSchema(withoutId(schema).toString(), InputFormat.JSON);
            compiled.initializeValidators();
            return new AnswerSchema(demand, compiled);
        } catch (LlmException e) {
            throw e;
        } catch (BoundedCheck.TooMuchWork | StackOverflowError e) {
            throw SchemaRules.refusal(demand, "too complex");
        } catch (RuntimeException e) { // the library's are of several kinds
            throw SchemaRules.refusal(demand, "not a JSON schema: " + e.getMessage());
        } catch (LinkageError e) {
            throw SchemaRules.refusal(demand, "not a JSON schema"); // Reactor would end the request without an answer
        }
    }

    private static Schema metaSchema(JsonNode schema) {
        return Objects.requireNonNull(META_SCHEMAS.get(SchemaRules.dialect(schema)));
    }

    /** An id would be the base of references, and of nothing else. */
    private static JsonNode withoutId(JsonNode schema) {
        ObjectNode copy = (ObjectNode) schema.deepCopy();
        copy.remove(List.of("$id", "$anchor"));
        return copy;
    }
}
