package dev.localllm.ollama.simulator;

import reactor.core.publisher.Flux;
import reactor.core.publisher.Sinks;

/** Holds tokens back until a test releases them. Thread-safe for one releasing thread. */
public final class Steps {

    private final Sinks.Many<Integer> permits = Sinks.many().unicast().onBackpressureBuffer();

    Steps() {}

    /** Lets the next tokens out; the line that says done counts as one. */
    public void release(int tokens) {
        for (int i = 0; i < tokens; i++) {
            permits.tryEmitNext(i).orThrow();
        }
    }

    /** Each item goes out with a permit of its own. */
    <T> Flux<T> hold(Flux<T> items) {
        return items.zipWith(permits.asFlux(), 1, (item, permit) -> item);
    }
}
