package dev.localllm.core.chat;

import java.time.Duration;

/**
 * How long the model server worked on an answer, as it measured; zero where it doesn't tell. Waiting in its queue is in
 * none of them.
 *
 * @param load making the model ready: short where it was loaded already
 * @param prompt reading the part of the prompt that was not in the cache
 * @param generation of all tokens, thinking included
 */
public record Timings(Duration load, Duration prompt, Duration generation) {

    public static final Timings ZERO = new Timings(Duration.ZERO, Duration.ZERO, Duration.ZERO);
}
