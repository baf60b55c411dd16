package dev.localllm.core.chat;

/** The sender of a message. */
public enum Role {
    SYSTEM,
    USER,
    ASSISTANT,
    /** A tool that the model called; the message is its result. */
    TOOL
}
