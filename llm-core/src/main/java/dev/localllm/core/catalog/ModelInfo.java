package dev.localllm.core.catalog;

import java.time.Instant;
import java.util.Set;

/**
 * A model of the model server.
 *
 * @param modifiedAt when the model server last changed it
 * @param contextTokens the largest context that the model was trained for; 0 if not reported
 * @param capabilities only {@link Capability#CHAT} if the model server reports none
 */
public record ModelInfo(ModelId id, Instant modifiedAt, int contextTokens, Set<Capability> capabilities) {

    public ModelInfo {
        capabilities = Set.copyOf(capabilities);
    }

    public boolean can(Capability capability) {
        return capabilities.contains(capability);
    }

    /** The same model under another name. */
    ModelInfo named(ModelId name) {
        return new ModelInfo(name, modifiedAt, contextTokens, capabilities);
    }
}
