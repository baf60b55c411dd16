package dev.localllm.api.openai.completion;

import dev.localllm.api.openai.GenerationBody;
import dev.localllm.api.schema.SchemaDemand;
import dev.localllm.core.catalog.ModelId;
import dev.localllm.core.chat.CompletionRequest;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The parsed and checked body of POST /v1/completions.
 *
 * @param model as the caller named it; null for the default
 * @param includeUsage true if the stream sends its usage in its last chunk
 * @param ignoredFields paths of fields that have no effect, possibly none
 */
record TextCompletionBody(
        @Nullable ModelId model,
        CompletionRequest request,
        boolean stream,
        boolean includeUsage,
        List<String> ignoredFields)
        implements GenerationBody {

    TextCompletionBody {
        ignoredFields = List.copyOf(ignoredFields);
    }

    /** None: a completion has no format. */
    @Override
    public List<SchemaDemand> demands() {
        return List.of();
    }

    /** Null if the caller wants no log probabilities. */
    @Nullable
    TextLogprobs logprobs() {
        return request.options().topLogprobs() == null ? null : new TextLogprobs(request.prompt());
    }
}
