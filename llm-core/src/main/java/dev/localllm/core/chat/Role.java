package dev.localllm.core.chat;

/** Who speaks. */
public enum Role {
    SYSTEM,
    USER,
    ASSISTANT,
    /** A tool that the model called: its message is the result. */
    TOOL
}
