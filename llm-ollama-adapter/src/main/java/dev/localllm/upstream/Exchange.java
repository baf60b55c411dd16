package dev.localllm.upstream;

import io.netty.channel.Channel;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicReference;
import org.reactivestreams.Subscription;
import reactor.core.CoreSubscriber;
import reactor.core.publisher.Flux;
import reactor.core.publisher.FluxOperator;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Operators;
import reactor.core.publisher.Sinks;
import reactor.netty.Connection;
import reactor.util.context.Context;

/**
 * One exchange with the model server: a request and its response. Aborts it when it must end early, and signals when it
 * is over. Thread-safe.
 */
final class Exchange {

    /** An aborted exchange counts as over after this time, even if its connection is not reported as closed. */
    static final Duration CLOSE_TIMEOUT = Duration.ofSeconds(5);

    private sealed interface State {}

    /** Nobody has subscribed. */
    private record Unused() implements State {}

    /** No request was sent yet. */
    private record Waiting() implements State {}

    private record Connected(Connection connection) implements State {}

    /** Completed or aborted: a connection that opens later is closed at once. */
    private record Ended() implements State {}

    private static final State UNUSED = new Unused();
    private static final State WAITING = new Waiting();
    private static final State ENDED = new Ended();

    private final AtomicReference<State> state = new AtomicReference<>(UNUSED);
    private final Sinks.Empty<Void> closed = Sinks.empty();

    /**
     * Aborts the exchange when the events fail or are cancelled. The events take one subscriber. A cancel goes upstream
     * before the abort: otherwise the closing connection would be taken for a network fault.
     */
    <T> Flux<T> guard(Flux<T> events) {
        return new FluxOperator<>(events) {
            @Override
            public void subscribe(CoreSubscriber<? super T> client) {
                if (state.compareAndSet(UNUSED, WAITING)) {
                    source.subscribe(new Guard<>(client));
                } else {
                    Operators.error(client, new IllegalStateException("subscribers: 2 (expected: 1)"));
                }
            }
        };
    }

    private final class Guard<T> implements CoreSubscriber<T>, Subscription {

        private final CoreSubscriber<? super T> client;
        private Subscription source = Operators.emptySubscription();

        private Guard(CoreSubscriber<? super T> client) {
            this.client = client;
        }

        @Override
        public Context currentContext() {
            return client.currentContext();
        }

        @Override
        public void onSubscribe(Subscription subscription) {
            source = subscription;
            client.onSubscribe(this);
        }

        @Override
        public void request(long count) {
            source.request(count);
        }

        @Override
        public void cancel() {
            source.cancel();
            abort();
        }

        @Override
        public void onNext(T element) {
            client.onNext(element);
        }

        @Override
        public void onError(Throwable fault) {
            try {
                abort();
            } finally {
                client.onError(fault);
            }
        }

        @Override
        public void onComplete() {
            client.onComplete();
            abort();
        }
    }

    /** See {@link dev.localllm.core.chat.Generation}. */
    Mono<Void> closed() {
        return Mono.defer(() -> state.get() instanceof Unused ? Mono.empty() : closed.asMono());
    }

    /**
     * Called before the request is sent on this connection. Called again if that connection breaks before the response
     * and the HTTP client retries on another one. Closes the connection if the exchange has ended.
     */
    void connected(Connection connection) {
        State next = new Connected(connection);
        if (state.updateAndGet(before -> before instanceof Ended ? ENDED : next) instanceof Ended) {
            connection.dispose();
        }
    }

    /** Runs the task on the event loop of the connection, or at once if there is no connection. */
    void onEventLoop(Runnable task) {
        if (state.get() instanceof Connected(Connection connection)
                && !connection.channel().eventLoop().inEventLoop()) {
            connection.channel().eventLoop().execute(task);
        } else {
            task.run();
        }
    }

    /** Called when the response was received to its end. */
    void complete() {
        if (!(state.getAndSet(ENDED) instanceof Ended)) {
            closed.tryEmitEmpty();
        }
    }

    /**
     * Closes the connection unless the exchange has ended. Idempotent. Cancelling the HTTP client does not always close
     * the connection: between the headers and the body of a response, the client takes a cancel as a request to skip
     * the body.
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

    /** Leaves the connection open if its exchange is over: it may serve the next exchange. */
    @SuppressWarnings({"ReferenceEquality", "FutureReturnValueIgnored"}) // identity is meant; see onTerminate
    private static void closeUnlessOver(Connection used) {
        if (Connection.from(used.channel()) == used) {
            used.channel().close();
        }
    }
}
