package dev.localllm.api.health;

/**
 * Identifies the running server.
 *
 * @param revision commit from which the running image was built, or {@code unknown}
 */
public record ServerInfo(String environment, String version, String revision) {}
