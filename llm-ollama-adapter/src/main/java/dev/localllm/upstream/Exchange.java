package dev.localllm.upstream;

import io.netty.channel.Channel;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicReference;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Sinks;
import reactor.netty.Connection;

/**
 * One exchange with a model server: aborts it if it must end before its answer, and tells when it is over. Thread-safe.
 */
final class Exchange {

    /** From an abort until the exchange counts as over, even if its connection was not seen to close. */
    static final Duration CLOSE_TIMEOUT = Duration.ofSeconds(5);

    private sealed interface State {}

    /** Nobody has subscribed. */
    private record Unused() implements State {}

    /** No request was sent yet. */
    private record Waiting() implements State {}

    private record Connected(Connection connection) implements State {}

    /** Completed or aborted: what would connect later is closed. */
    private record Ended() implements State {}

    private static final State UNUSED = new Unused();
    private static final State WAITING = new Waiting();
    private static final State ENDED = new Ended();

    private final AtomicReference<State> state = new AtomicReference<>(UNUSED);
    private final Sinks.Empty<Void> closed = Sinks.empty();

    /**
     * The events for their one subscriber. The exchange is aborted if they fail or are cancelled; not before the cancel
     * was passed on, as a connection that closes looks like a fault to whoever doesn't know of the cancel yet.
     */
    <T> Flux<T> guard(Flux<T> events) {
        return Flux.defer(() -> state.compareAndSet(UNUSED, WAITING)
                ? events.doOnError(fault -> abort()).doFinally(signal -> abort())
                : Flux.error(new IllegalStateException("subscribers: 2 (expected: 1)")));
    }

    /** As {@link dev.localllm.core.chat.Generation} promises it. */
    Mono<Void> closed() {
        return Mono.defer(() -> state.get() instanceof Unused ? Mono.empty() : closed.asMono());
    }

    /**
     * The request is about to be sent on this connection, for the first time or, where the last one broke before it was
     * answered, again. The connection is closed if the exchange was aborted before.
     */
    void connected(Connection connection) {
        State next = new Connected(connection);
        if (state.updateAndGet(before -> before instanceof Ended ? ENDED : next) instanceof Ended) {
            connection.dispose();
        }
    }

    /** The response was received to its end. */
    void complete() {
        if (!(state.getAndSet(ENDED) instanceof Ended)) {
            closed.tryEmitEmpty();
        }
    }

    /**
     * Closes the connection unless the exchange has ended. The cancel that reaches the HTTP client does not always
     * close it: between the head of a response and its body it is taken for a wish to skip the body.
     */
    void abort() {
        switch (state.getAndSet(ENDED)) {
            case Unused s -> {}
            case Waiting s -> closed.tryEmitEmpty();
            case Connected(Connection connection) -> close(connection);
            case Ended s -> {}
        }
    }

    private void close(Connection connection) {
        connection
                .onTerminate()
                .timeout(CLOSE_TIMEOUT, Mono.empty())
                .doFinally(signal -> closed.tryEmitEmpty())
                .subscribe(nothing -> {}, fault -> {});
        Channel channel = connection.channel();
        if (channel.isRegistered()) { // else the exchange is over
            channel.eventLoop().execute(() -> closeUnlessOver(connection));
        }
    }

    /** A connection whose exchange is over may serve the next one. */
    @SuppressWarnings({"ReferenceEquality", "FutureReturnValueIgnored"}) // the very same; onTerminate tells
    private static void closeUnlessOver(Connection used) {
        if (Connection.from(used.channel()) == used) {
            used.channel().close();
        }
    }
}
