package dev.localllm.core.chat;

/** One turn of a chat. */
public record Message(Role role, String text) {}
