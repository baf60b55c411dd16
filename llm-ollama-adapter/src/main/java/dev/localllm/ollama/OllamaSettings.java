package dev.localllm.ollama;

import dev.localllm.upstream.UpstreamLimits;
import java.net.URI;
import java.time.Duration;

/**
 * Settings of the client of one Ollama.
 *
 * @param baseUrl http or https, without path
 * @param contextTokens num_ctx of every request; Ollama reloads the model when the value changes
 * @param keepAlive how long Ollama keeps a model loaded after a response; negative means for ever
 */
public record OllamaSettings(URI baseUrl, int contextTokens, Duration keepAlive, UpstreamLimits limits) {}
