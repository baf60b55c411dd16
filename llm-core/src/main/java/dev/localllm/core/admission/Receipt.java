package dev.localllm.core.admission;

import java.time.Duration;

/**
 * What a request has cost until now.
 *
 * @param queued time in the queue
 * @param loading time from the permit until the model was loaded; zero if it was loaded already
 * @param charged GPU time that the client is charged for the request
 * @param started true once the load or the generation has started
 */
public record Receipt(Duration queued, Duration loading, Duration charged, boolean started) {}
