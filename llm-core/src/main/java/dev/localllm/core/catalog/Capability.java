package dev.localllm.core.catalog;

/** What a model can do. */
public enum Capability {
    CHAT,
    TOOLS,
    /** Images as input. */
    VISION,
    THINKING,
    /** Completing text between a prefix and a suffix. */
    INSERT,
    EMBEDDING
}
