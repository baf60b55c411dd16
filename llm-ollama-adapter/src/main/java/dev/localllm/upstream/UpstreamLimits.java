package dev.localllm.upstream;

import java.time.Duration;

/**
 * How long a model server may take, and how much is asked of it.
 *
 * @param connectTimeout for opening a connection, or for one of those in use to become free
 * @param firstTokenTimeout from the request to the first event: a cold model is loaded meanwhile
 * @param idleTimeout between two events
 * @param concurrentGenerations that there are connections for, each with a second one that is being closed; further
 *     ones wait
 * @param openDuration for how long a circuit stays open after too many failures, before a request may test it
 */
public record UpstreamLimits(
        Duration connectTimeout,
        Duration firstTokenTimeout,
        Duration idleTimeout,
        int concurrentGenerations,
        Duration openDuration) {}
