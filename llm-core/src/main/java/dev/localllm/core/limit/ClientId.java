package dev.localllm.core.limit;

/** Identifies the client that is charged for a request. Must not be logged. */
public record ClientId(String value) {}
