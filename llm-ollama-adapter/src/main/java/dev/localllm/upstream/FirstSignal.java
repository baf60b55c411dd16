package dev.localllm.upstream;

import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;
import org.reactivestreams.Subscription;
import reactor.core.CoreSubscriber;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Operators;
import reactor.util.context.Context;

/**
 * Splits a Flux at its first signal, so that an operator for a Mono can guard the way there.
 *
 * <p>The Mono requests one element. It emits the whole Flux, the first element included, when that element is there; is
 * empty if there is none; and fails if the Flux fails before. What it emits takes one subscriber, keeps its demand
 * and its thread, and allocates nothing per element. Cancelling what it emitted cancels the source, and so does
 * cancelling the Mono before what it emitted has a subscriber.
 */
final class FirstSignal<T> implements CoreSubscriber<T>, Subscription {

    private final CoreSubscriber<? super Flux<T>> first;
    private final Rest rest = new Rest();
    private final AtomicBoolean requested = new AtomicBoolean();
    private Subscription source = Operators.emptySubscription();
    private boolean begun;
    private volatile boolean cancelled;

    private FirstSignal(CoreSubscriber<? super Flux<T>> first) {
        this.first = first;
    }

    static <T> Mono<Flux<T>> of(Flux<T> source) {
        return Mono.fromDirect(
                source.transform(Operators.<T, Flux<T>>lift((scannable, actual) -> new FirstSignal<>(actual))));
    }

    @Override
    public Context currentContext() {
        return first.currentContext();
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

    /** Once the rest has its subscriber, that one decides. */
    @Override
    public void cancel() {
        if (rest.reader == null) {
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
        rest.held = element;
        first.onNext(rest);
        first.onComplete();
    }

    @Override
    public void onError(Throwable fault) {
        if (cancelled) {
            return; // closing the connection of a caller who left looks like a fault
        }
        if (begun) {
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

    /** Holds the first element until it is asked for, and the end until that was delivered. */
    private final class Rest extends Flux<T> implements Subscription {

        private final AtomicBoolean taken = new AtomicBoolean();
        private final AtomicInteger work = new AtomicInteger();
        private final AtomicLong wanted = new AtomicLong();
        private @Nullable T held;
        private volatile @Nullable CoreSubscriber<? super T> reader;
        private volatile boolean delivered;
        private volatile boolean ended;
        private @Nullable Throwable fault;
        private boolean told;

        @Override
        public void subscribe(CoreSubscriber<? super T> actual) {
            if (!taken.compareAndSet(false, true)) {
                Operators.error(actual, new IllegalStateException("subscribers: 2 (expected: 1)"));
                return;
            }
            reader = actual;
            actual.onSubscribe(this);
            work();
        }

        @Override
        public void request(long n) {
            if (delivered) {
                source.request(n);
            } else if (Operators.validate(n)) {
                wanted.getAndAccumulate(n, Operators::addCap);
                work();
            }
        }

        @Override
        public void cancel() {
            cancelSource();
        }

        private void onNext(T element) {
            CoreSubscriber<? super T> to = reader;
            if (to != null) {
                to.onNext(element);
            }
        }

        private void end(@Nullable Throwable why) {
            fault = why;
            ended = true;
            work();
        }

        /** Several threads may bring work; one does it. */
        private void work() {
            if (work.getAndIncrement() != 0) {
                return;
            }
            int seen = 1;
            do {
                CoreSubscriber<? super T> to = reader;
                if (to != null && !cancelled) {
                    deliver(to);
                }
                seen = work.addAndGet(-seen);
            } while (seen != 0);
        }

        private void deliver(CoreSubscriber<? super T> to) {
            if (!delivered && !deliverHeld(to)) {
                return;
            }
            long more = wanted.getAndSet(0);
            if (more > 0 && !ended) {
                source.request(more);
            }
            if (ended && !told) {
                told = true;
                tellEnd(to);
            }
        }

        private boolean deliverHeld(CoreSubscriber<? super T> to) {
            T element = held;
            if (element == null || wanted.get() == 0) {
                return false;
            }
            held = null;
            to.onNext(element);
            if (wanted.get() != Long.MAX_VALUE) {
                wanted.decrementAndGet();
            }
            delivered = true; // what is asked for during the delivery must not bring the next element meanwhile
            return true;
        }

        private void tellEnd(CoreSubscriber<? super T> to) {
            Throwable why = fault;
            if (why == null) {
                to.onComplete();
            } else {
                to.onError(why);
            }
        }
    }
}
