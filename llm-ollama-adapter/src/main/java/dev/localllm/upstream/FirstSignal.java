package dev.localllm.upstream;

import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.reactivestreams.Subscription;
import reactor.core.CoreSubscriber;
import reactor.core.publisher.Flux;
import reactor.core.publisher.FluxOperator;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Operators;
import reactor.util.context.Context;

/**
 * Splits a Flux at its first signal, so that a Mono operator can observe that signal.
 *
 * <p>The Mono requests one element. When it arrives, the Mono emits the complete Flux, including that element. The Mono
 * is empty if the source is empty, and fails if the source fails before its first element. The emitted Flux takes one
 * subscriber, requests no more than that subscriber does, changes no threads and allocates nothing per element.
 * Cancelling the emitted Flux cancels the source. Cancelling the Mono cancels the source as long as the emitted Flux
 * has no subscriber.
 */
final class FirstSignal<T> implements CoreSubscriber<T>, Subscription {

    private final CoreSubscriber<? super Flux<T>> first;
    private final Consumer<Throwable> onLateFault;
    private final Context context;
    private final Rest rest = new Rest();
    private final AtomicBoolean requested = new AtomicBoolean();
    private Subscription source = Operators.emptySubscription();
    private boolean begun;
    private volatile boolean cancelled;

    private FirstSignal(CoreSubscriber<? super Flux<T>> first, Consumer<Throwable> onLateFault) {
        this.first = first;
        this.onLateFault = onLateFault;
        this.context = first.currentContext();
    }

    /** @param onLateFault called when the source fails after its first element, unless it is cancelled */
    static <T> Mono<Flux<T>> of(Flux<T> source, Consumer<Throwable> onLateFault) {
        return Mono.fromDirect(new FluxOperator<T, Flux<T>>(source) {
            @Override
            public void subscribe(CoreSubscriber<? super Flux<T>> first) {
                source.subscribe(new FirstSignal<>(first, onLateFault));
            }
        });
    }

    @Override
    public Context currentContext() {
        return context;
    }

    @Override
    public void onSubscribe(Subscription subscription) {
        source = subscription;
        first.onSubscribe(this);
    }

    @Override
    public void request(long n) {
        if (requested.compareAndSet(false, true)) {
            source.request(1);
        }
    }

    /** Does nothing once the emitted Flux has a subscriber: from then on, only that subscriber can cancel. */
    @Override
    public void cancel() {
        if (rest.subscriber == null) {
            cancelSource();
        }
    }

    @Override
    public void onNext(T element) {
        if (begun) {
            rest.onNext(element);
            return;
        }
        begun = true;
        rest.firstElement = element;
        first.onNext(rest);
        first.onComplete();
    }

    @Override
    public void onError(Throwable fault) {
        if (cancelled) {
            return; // after a cancel, the closing connection looks like a fault
        }
        if (begun) {
            onLateFault.accept(fault);
            rest.end(fault);
        } else {
            begun = true;
            first.onError(fault);
        }
    }

    @Override
    public void onComplete() {
        if (begun) {
            rest.end(null);
        } else {
            begun = true;
            first.onComplete();
        }
    }

    private void cancelSource() {
        cancelled = true;
        source.cancel();
    }

    /** Keeps the first element until it is requested, and the terminal signal until the first element was delivered. */
    private final class Rest extends Flux<T> implements Subscription {

        private final AtomicBoolean subscribed = new AtomicBoolean();
        private final AtomicInteger work = new AtomicInteger();
        private final AtomicLong demand = new AtomicLong();
        private @Nullable T firstElement;
        private volatile @Nullable CoreSubscriber<? super T> subscriber;
        private volatile boolean delivered;
        private volatile boolean ended;
        private @Nullable Throwable fault;
        private boolean terminated;

        @Override
        public void subscribe(CoreSubscriber<? super T> actual) {
            if (!subscribed.compareAndSet(false, true)) {
                Operators.error(actual, new IllegalStateException("subscribers: 2 (expected: 1)"));
                return;
            }
            subscriber = actual;
            actual.onSubscribe(this);
        }

        @Override
        public void request(long n) {
            if (delivered) {
                source.request(n);
            } else if (Operators.validate(n)) {
                demand.getAndAccumulate(n, Operators::addCap);
                drain();
            }
        }

        @Override
        public void cancel() {
            cancelSource();
        }

        private void onNext(T element) {
            CoreSubscriber<? super T> to = subscriber;
            if (to != null) {
                to.onNext(element);
            }
        }

        private void end(@Nullable Throwable why) {
            fault = why;
            ended = true;
            drain();
        }

        /** Never runs on two threads at once: a second caller leaves its work to the running one. */
        private void drain() {
            if (work.getAndIncrement() != 0) {
                return;
            }
            int seen;
            do {
                seen = work.get();
                CoreSubscriber<? super T> to = subscriber;
                if (to != null && !cancelled) {
                    deliver(to);
                }
            } while (!work.compareAndSet(seen, 0));
        }

        private void deliver(CoreSubscriber<? super T> to) {
            if (!delivered && !deliverFirst(to)) {
                return;
            }
            long more = demand.getAndSet(0);
            if (more > 0 && !ended) {
                source.request(more);
            }
            if (ended && !terminated) {
                terminated = true;
                terminate(to);
            }
        }

        private boolean deliverFirst(CoreSubscriber<? super T> to) {
            T element = firstElement;
            if (element == null || demand.get() == 0) {
                return false;
            }
            firstElement = null;
            to.onNext(element);
            if (demand.get() != Long.MAX_VALUE) {
                demand.decrementAndGet();
            }
            delivered = true; // last: a request during onNext must not bring the next element before onNext returns
            return true;
        }

        private void terminate(CoreSubscriber<? super T> to) {
            Throwable why = fault;
            if (why == null) {
                to.onComplete();
            } else {
                to.onError(why);
            }
        }
    }
}
