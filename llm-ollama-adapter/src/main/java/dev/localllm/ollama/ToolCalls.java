package dev.localllm.ollama;

import dev.localllm.core.chat.ChatEvent;
import dev.localllm.core.chat.ChatEvent.ToolCallDelta;
import dev.localllm.core.chat.Part;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/**
 * Numbers the tool calls of one answer: some versions of Ollama send index 0 for each. A call without an id, or with the
 * id of an earlier one, gets a new id. One per answer; not thread-safe.
 */
final class ToolCalls {

    private final boolean parallel;
    private final Set<String> ids = new HashSet<>();

    /** @param parallel false to drop every call after the first */
    ToolCalls(boolean parallel) {
        this.parallel = parallel;
    }

    /**
     * Adds an event for each call, up to the first invalid one.
     *
     * @return a sentence about the invalid call; null if all are valid
     */
    @Nullable
    String add(List<OllamaWire.@Nullable ToolCall> calls, List<ChatEvent> events) {
        for (OllamaWire.@Nullable ToolCall call : calls) {
            if (isComplete()) {
                return null;
            }
            OllamaWire.ToolCallFunction function = call == null ? null : call.function();
            String name = function == null ? null : function.name();
            if (call == null || function == null || name == null || name.isEmpty()) {
                return "Ollama sent a tool call without a function.";
            }
            JsonNode arguments = function.arguments();
            if (arguments == null || !arguments.isObject()) {
                return "Ollama sent a tool call whose arguments are not a JSON object.";
            }
            int index = ids.size();
            events.add(new ToolCallDelta(index, new Part.ToolCall(id(call.id()), name, arguments.toString())));
        }
        return null;
    }

    /** True if the answer has a call. */
    boolean any() {
        return !ids.isEmpty();
    }

    /** True if the answer may have one call only, and has it: whatever follows is not part of the answer. */
    boolean isComplete() {
        return !parallel && any();
    }

    private String id(@Nullable String sent) {
        String id = sent == null || sent.isEmpty() ? CallIds.next() : sent;
        while (!ids.add(id)) {
            id = CallIds.next();
        }
        return id;
    }
}
