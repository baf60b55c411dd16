package dev.localllm.ollama;

import dev.localllm.upstream.UpstreamLimits;
import java.net.URI;
import java.time.Duration;

/**
 * How to talk to one Ollama.
 *
 * @param baseUrl http or https, without path
 * @param contextTokens num_ctx of every request: another value than the loaded one makes Ollama reload the model
 * @param keepAlive how long Ollama keeps a model loaded after an answer; negative means for ever
 */
public record OllamaSettings(URI baseUrl, int contextTokens, Duration keepAlive, UpstreamLimits limits) {}
