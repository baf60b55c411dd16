package dev.localllm.core.chat;

import java.time.Duration;

/**
 * Durations of a generation, as measured by the model server; zero if not reported. Time in its queue is not included.
 *
 * @param load loading the model; short if it was loaded already
 * @param prompt processing the part of the prompt that was not in the cache
 * @param generation generating all tokens, including thinking
 */
public record Timings(Duration load, Duration prompt, Duration generation) {

    public static final Timings ZERO = new Timings(Duration.ZERO, Duration.ZERO, Duration.ZERO);
}
