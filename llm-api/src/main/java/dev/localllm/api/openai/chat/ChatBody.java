package dev.localllm.api.openai.chat;

import dev.localllm.api.openai.GenerationBody;
import dev.localllm.api.schema.SchemaDemand;
import dev.localllm.core.catalog.ModelId;
import dev.localllm.core.chat.ChatRequest;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The parsed and checked body of POST /v1/chat/completions.
 *
 * @param model as the caller named it; null for the default
 * @param includeUsage true if the stream sends its usage in its last chunk
 * @param demands schemas that the answer must match, possibly none
 * @param ignoredFields paths of fields that have no effect, possibly none
 */
record ChatBody(
        @Nullable ModelId model,
        ChatRequest request,
        boolean stream,
        boolean includeUsage,
        List<SchemaDemand> demands,
        List<String> ignoredFields)
        implements GenerationBody {

    ChatBody {
        demands = List.copyOf(demands);
        ignoredFields = List.copyOf(ignoredFields);
    }
}
