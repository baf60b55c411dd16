package dev.localllm.core.prompt;

import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A prompt of the catalogue, as a request names it.
 *
 * @param version null for the latest version
 * @param variables the value of each variable of the template
 */
public record PromptReference(String id, @Nullable String version, Map<String, String> variables) {

    public PromptReference {
        variables = Map.copyOf(variables);
    }
}
