package dev.localllm.ollama.simulator;

import reactor.core.publisher.Flux;
import reactor.core.publisher.Sinks;

/** Holds tokens until a test releases them. Only one thread may release. */
public final class Steps {

    private final Sinks.Many<Integer> permits = Sinks.many().unicast().onBackpressureBuffer();

    Steps() {}

    /** Releases the next tokens. The last line, with done, counts as one. */
    public void release(int tokens) {
        for (int i = 0; i < tokens; i++) {
            permits.tryEmitNext(i).orThrow();
        }
    }

    /** Emits one item per released permit. */
    <T> Flux<T> hold(Flux<T> items) {
        return items.zipWith(permits.asFlux(), 1, (item, permit) -> item);
    }
}
