package dev.localllm.upstream;

import java.time.Duration;

/**
 * Timeouts and limits for one model server.
 *
 * @param connectTimeout for opening a connection, or for waiting for a free one
 * @param firstTokenTimeout from the request to the first event, including the load of a cold model
 * @param idleTimeout between two events
 * @param concurrentGenerations maximum of generations, and of exchanges with one value, with a connection each, plus a
 *     second one that is being closed; further ones wait for a free connection
 * @param openDuration how long a circuit stays open before a request may test it
 */
public record UpstreamLimits(
        Duration connectTimeout,
        Duration firstTokenTimeout,
        Duration idleTimeout,
        int concurrentGenerations,
        Duration openDuration) {}
