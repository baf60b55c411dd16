package dev.localllm.ollama;

import java.net.URI;
import java.time.Duration;

/**
 * How to talk to one Ollama.
 *
 * @param baseUrl http or https, without path
 * @param contextTokens num_ctx of every request: another value than the loaded one makes Ollama reload the model
 * @param keepAlive how long Ollama keeps a model loaded after an answer; negative means for ever
 * @param connectTimeout for opening a connection, and for waiting for one of the pool
 * @param maxConnections size of the pool
 */
public record OllamaSettings(
        URI baseUrl, int contextTokens, Duration keepAlive, Duration connectTimeout, int maxConnections) {}
