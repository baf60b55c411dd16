package dev.localllm.api.schema;

import com.networknt.schema.InputFormat;
import com.networknt.schema.Schema;
import com.networknt.schema.SchemaException;
import com.networknt.schema.SchemaLocation;
import com.networknt.schema.SchemaRegistry;
import com.networknt.schema.SchemaRegistryConfig;
import com.networknt.schema.SpecificationVersion;
import com.networknt.schema.ValidationLimitExceededException;
import com.networknt.schema.path.PathType;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.regex.PatternSyntaxException;
import java.util.stream.Collectors;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Scheduler;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/** Compiles the schemas of requests, and checks answers. Fetches nothing. Thread-safe. */
public final class AnswerSchemas {

    private final Scheduler scheduler;
    private final SchemaRegistry registry;

    /** By their ids. */
    private final Map<String, Schema> metaSchemas;

    /** Creates the compiler, which does all work on the scheduler. */
    public AnswerSchemas(Scheduler scheduler) {
        this.scheduler = scheduler;
        this.registry = SchemaRegistry.withDefaultDialect(
                SpecificationVersion.DRAFT_2020_12,
                builder -> builder.schemaCacheEnabled(false)
                        .schemaLoader(loader -> loader.fetchRemoteResources(false))
                        .schemaRegistryConfig(SchemaRegistryConfig.builder()
                                .pathType(PathType.JSON_POINTER)
                                .regularExpressionFactory(BoundedPattern::new)
                                .build()));
        this.metaSchemas = SchemaRules.DIALECTS.stream()
                .collect(Collectors.toMap(id -> id, id -> registry.getSchema(SchemaLocation.of(id))));
    }

    /**
     * Compiles the schemas.
     *
     * @return the check of one answer; fails with {@link dev.localllm.core.failure.LlmFailure.InvalidRequest} that names
     *     the field of the first invalid schema
     */
    public Mono<AnswerCheck> compile(List<SchemaDemand> demands) {
        return Mono.fromCallable(() ->
                        new AnswerCheck(demands.stream().map(this::compile).toList(), scheduler))
                .subscribeOn(scheduler);
    }

    private AnswerSchema compile(SchemaDemand demand) {
        JsonNode schema = demand.schema();
        if (schema == null) {
            return new AnswerSchema(demand, null);
        }
        SchemaRules.check(demand, schema);
        try {
            List<com.networknt.schema.Error> errors =
                    metaSchema(schema).validate(schema, context -> context.setExecutionConfig(AnswerSchema.LIMITS));
            if (!errors.isEmpty()) {
                throw SchemaRules.refusal(demand, "not a JSON schema: " + errors.getFirst());
            }
            Schema compiled = registry.getSchema(withoutId(schema).toString(), InputFormat.JSON);
            compiled.initializeValidators();
            return new AnswerSchema(demand, compiled);
        } catch (SchemaException | PatternSyntaxException e) {
            throw SchemaRules.refusal(demand, "not a JSON schema: " + e.getMessage());
        } catch (ValidationLimitExceededException | StackOverflowError e) {
            throw SchemaRules.refusal(demand, "too complex");
        }
    }

    private Schema metaSchema(JsonNode schema) {
        return Objects.requireNonNull(metaSchemas.get(SchemaRules.dialect(schema)));
    }

    /** An id would be the base of references, and of nothing else. */
    private static JsonNode withoutId(JsonNode schema) {
        ObjectNode copy = (ObjectNode) schema.deepCopy();
        copy.remove(List.of("$id", "$anchor"));
        return copy;
    }
}
