package dev.localllm.ollama.simulator;

import java.util.concurrent.atomic.AtomicBoolean;
import org.reactivestreams.Publisher;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Sinks;
import reactor.netty.http.server.HttpServerResponse;

/** Counts open exchanges and publishes the count. Thread-safe. */
final class OpenExchanges {

    private final Sinks.Many<Integer> counts = Sinks.many().replay().latest();
    private int count;

    OpenExchanges() {
        counts.tryEmitNext(0);
    }

    synchronized int count() {
        return count;
    }

    Flux<Integer> overTime() {
        return counts.asFlux();
    }

    /** Counts the exchange until it or its connection ends, whichever comes first. */
    Publisher<Void> count(HttpServerResponse response, Mono<Void> exchange) {
        return Mono.defer(() -> {
            AtomicBoolean ended = new AtomicBoolean();
            Runnable end = () -> {
                if (ended.compareAndSet(false, true)) {
                    add(-1);
                }
            };
            add(1);
            response.withConnection(connection -> connection.onTerminate().subscribe(null, e -> end.run(), end));
            return exchange.doFinally(signal -> end.run());
        });
    }

    private synchronized void add(int change) {
        count += change;
        counts.tryEmitNext(count).orThrow();
    }
}
