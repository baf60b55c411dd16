package dev.localllm.api.health;

/**
 * Which server this is.
 *
 * @param revision the commit that the running image was built from, or {@code unknown}
 */
public record ServerInfo(String environment, String version, String revision) {}
