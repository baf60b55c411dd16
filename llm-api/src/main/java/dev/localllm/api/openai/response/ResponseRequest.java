package dev.localllm.api.openai.response;

import dev.localllm.api.openai.GenerationBody;
import dev.localllm.api.schema.SchemaDemand;
import dev.localllm.core.catalog.ModelId;
import dev.localllm.core.chat.ChatRequest;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The parsed and checked body of POST /v1/responses.
 *
 * @param model as the caller named it; null for the default
 * @param echo what the answer repeats
 * @param demands schemas that the answer must match, possibly none
 * @param ignoredFields paths of fields that have no effect, possibly none
 */
record ResponseRequest(
        @Nullable ModelId model,
        ChatRequest request,
        boolean stream,
        Echo echo,
        List<SchemaDemand> demands,
        List<String> ignoredFields)
        implements GenerationBody {

    ResponseRequest {
        demands = List.copyOf(demands);
        ignoredFields = List.copyOf(ignoredFields);
    }
}
