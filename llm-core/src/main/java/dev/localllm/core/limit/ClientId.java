package dev.localllm.core.limit;

/** Who is charged for a request: nothing that a log should show. */
public record ClientId(String value) {}
