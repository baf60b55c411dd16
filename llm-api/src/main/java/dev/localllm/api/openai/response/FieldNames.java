package dev.localllm.api.openai.response;

import dev.localllm.core.failure.LlmException;
import dev.localllm.core.failure.LlmFailure.ContextLengthExceeded;
import dev.localllm.core.failure.LlmFailure.InvalidRequest;
import java.util.Map;

/** Names fields as this route does: what is common to all chats calls them as in /v1/chat/completions. */
final class FieldNames {

    private static final Map<String, String> NAMES = Map.of("messages", "input", "response_format", "text.format");

    private FieldNames() {}

    /** The same failure, with this route's name of the field that it is about. */
    static LlmException translated(LlmException fault) {
        if (fault.failure() instanceof InvalidRequest refusal && refusal.field() != null) {
            String name = NAMES.get(refusal.field());
            if (name != null) {
                return new LlmException(new InvalidRequest(
                        name, name + refusal.message().substring(refusal.field().length()), refusal.detail()));
            }
        }
        return fault.failure() instanceof ContextLengthExceeded f ? new LlmException(f.of("input")) : fault;
    }
}
