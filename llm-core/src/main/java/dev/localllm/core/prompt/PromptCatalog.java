package dev.localllm.core.prompt;

import dev.localllm.core.failure.LlmException;
import dev.localllm.core.failure.LlmFailure.InvalidRequest;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The prompts that requests may name. Immutable. */
public final class PromptCatalog {

    /** Without prompts and without a system prompt. */
    public static final PromptCatalog EMPTY = new PromptCatalog(List.of(), null);

    private static final int MAX_SHOWN = 64;

    private final List<Prompt> prompts;
    private final @Nullable SystemPrompt systemPrompt;

    /**
     * @param prompts no two with the same id and version
     * @param systemPrompt of chats that have no system message and name no prompt; null for none
     */
    public PromptCatalog(List<Prompt> prompts, @Nullable SystemPrompt systemPrompt) {
        List<Prompt> sorted = new ArrayList<>(prompts);
        sorted.sort(Comparator.comparing(Prompt::id).thenComparingInt(Prompt::version));
        this.prompts = List.copyOf(sorted);
        this.systemPrompt = systemPrompt;
    }

    /** All prompts, by id and version. */
    public List<Prompt> prompts() {
        return prompts;
    }

    /** The system prompt of chats that have no system message and name no prompt; null for none. */
    public @Nullable SystemPrompt systemPrompt() {
        return systemPrompt;
    }

    /** The prompt with that id and version; null if there is none. Without a version, the latest one. */
    public @Nullable Prompt find(String id, @Nullable String version) {
        Prompt latest = null;
        for (Prompt prompt : prompts) {
            if (prompt.id().equals(id)
                    && (version == null || Integer.toString(prompt.version()).equals(version))) {
                latest = prompt;
            }
        }
        return latest;
    }

    /**
     * Renders the prompt that a request names.
     *
     * @throws LlmException with {@link InvalidRequest} if there is no such prompt, or its variables differ
     */
    public RenderedPrompt render(PromptReference reference) {
        Prompt prompt = find(reference.id(), reference.version());
        if (prompt != null) {
            return prompt.template().render(reference.variables());
        }
        throw find(reference.id(), null) == null
                ? refusal("id", reference.id(), "the id of a prompt of this server")
                : refusal("version", String.valueOf(reference.version()), "a version of the prompt " + reference.id());
    }

    private static LlmException refusal(String field, String value, String expected) {
        String shown = value.substring(0, Math.min(value.length(), MAX_SHOWN));
        return new LlmException(new InvalidRequest(
                "prompt." + field, "prompt." + field + ": '" + shown + "' (expected: " + expected + ")"));
    }
}
