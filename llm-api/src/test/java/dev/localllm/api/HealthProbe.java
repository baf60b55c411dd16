package dev.localllm.api;

import java.net.URI;
import java.util.concurrent.Callable;

/**
 * Sends GET /health, one request after the other, until it is stopped. Each has a connection of its own, so that all
 * event loops take turns.
 */
final class HealthProbe implements Callable<Integer> {

    private final URI server;
    private volatile boolean stopped;

    HealthProbe(URI server) {
        this.server = server;
    }

    void stop() {
        stopped = true;
    }

    /** The number of responses. */
    @Override
    public Integer call() throws Exception {
        int responses = 0;
        do {
            try (RawRequest request = RawRequest.open(server)) {
                request.send("GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
                if (!request.readAll().startsWith("HTTP/1.1 200")) {
                    throw new AssertionError(request.received());
                }
            }
            responses++;
        } while (!stopped);
        return responses;
    }
}
