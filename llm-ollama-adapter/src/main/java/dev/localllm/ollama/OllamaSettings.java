package dev.localllm.ollama;

import java.net.URI;
import java.time.Duration;

/**
 * How to talk to one Ollama.
 *
 * @param baseUrl http or https, without path
 * @param contextTokens num_ctx of every request: another value than the loaded one makes Ollama reload the model
 * @param keepAlive how long Ollama keeps a model loaded after an answer; negative means for ever
 * @param connectTimeout for opening a connection
 * @param firstTokenTimeout from the request to the first piece of the answer: a cold model is loaded meanwhile
 * @param idleTimeout between two pieces of the answer
 * @param concurrentAnswers that there are connections for; who asks for more waits for a connection
 * @param openDuration for how long a circuit stays open after too many failures, before a request may test it
 */
public record OllamaSettings(
        URI baseUrl,
        int contextTokens,
        Duration keepAlive,
        Duration connectTimeout,
        Duration firstTokenTimeout,
        Duration idleTimeout,
        int concurrentAnswers,
        Duration openDuration) {}
