package dev.localllm.core.chat;

/** Who speaks. */
public enum Role {
    SYSTEM,
    USER,
    ASSISTANT
}
