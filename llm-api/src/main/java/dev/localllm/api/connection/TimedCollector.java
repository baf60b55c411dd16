package dev.localllm.api.connection;

import io.netty.util.concurrent.EventExecutor;
import io.netty.util.concurrent.Future;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.reactivestreams.Subscription;
import reactor.core.CoreSubscriber;
import reactor.core.Disposable;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Operators;
import reactor.util.context.Context;

/**
 * Collects all elements of a stream into one value, within limits. One operator and one timer, as every request needs
 * it twice. The first of these ends it: the source's end, a failed {@code add}, a limit, a cancel; all except the first
 * cancel the source.
 */
public final class TimedCollector<T, R> implements CoreSubscriber<T>, Subscription {

    /**
     * What ends a collection early.
     *
     * @param timeout since the subscription
     * @param eventLoop of the client's connection; runs the timer, so that no other thread is woken
     * @param onTimeout creates the failure of a timeout
     * @param abort ends the collection with its reason
     */
    public record Limits(
            Duration timeout, EventExecutor eventLoop, Supplier<? extends Throwable> onTimeout, AbortSignal abort) {}

    private final CoreSubscriber<? super R> result;
    private final Context context;
    private final Consumer<? super T> add;
    private final Supplier<? extends R> complete;
    private final Limits limits;
    private final AtomicBoolean ended = new AtomicBoolean();
    private Subscription source = Operators.emptySubscription();
    private volatile @Nullable Future<?> timer;
    private volatile @Nullable Disposable abort;

    private TimedCollector(
            CoreSubscriber<? super R> result, Consumer<? super T> add, Supplier<? extends R> complete, Limits limits) {
        this.result = result;
        this.context = result.currentContext();
        this.add = add;
        this.complete = complete;
        this.limits = limits;
    }

    /**
     * Collects the source, requested without bound.
     *
     * @param add called with each element, even with one that arrives while a limit ends the collection; if it throws,
     *     the value fails
     * @param complete returns the value, after the last element
     * @return takes one subscriber
     */
    public static <T, R> Mono<R> collect(
            Flux<T> source, Consumer<? super T> add, Supplier<? extends R> complete, Limits limits) {
        return Mono.fromDirect(result ->
                source.subscribe(new TimedCollector<T, R>(Operators.toCoreSubscriber(result), add, complete, limits)));
    }

    @Override
    public Context currentContext() {
        return context;
    }

    @Override
    public void onSubscribe(Subscription subscription) {
        source = subscription;
        result.onSubscribe(this);
        timer = limits.eventLoop()
                .schedule(
                        () -> abort(limits.onTimeout().get()), limits.timeout().toNanos(), TimeUnit.NANOSECONDS);
        abort = limits.abort().listen(this::abort);
        if (ended.get()) {
            stopListening();
        } else {
            subscription.request(Long.MAX_VALUE);
        }
    }

    @Override
    public void onNext(T element) {
        try {
            add.accept(element);
        } catch (RuntimeException | Error e) { // the request must end even if memory runs out
            abort(e);
        }
    }

    @Override
    public void onError(Throwable fault) {
        if (end()) {
            result.onError(fault);
        }
    }

    @Override
    public void onComplete() {
        if (!end()) {
            return;
        }
        R value;
        try {
            value = complete.get();
        } catch (RuntimeException | Error e) { // as in onNext
            result.onError(e);
            return;
        }
        result.onNext(value);
        result.onComplete();
    }

    /** Does nothing: the value is emitted as soon as it is complete, as its only subscribers are operators of Mono. */
    @Override
    public void request(long count) {}

    @Override
    public void cancel() {
        if (end()) {
            source.cancel();
        }
    }

    private void abort(Throwable fault) {
        if (end()) {
            source.cancel();
            result.onError(fault);
        }
    }

    /** True for the first caller only. */
    private boolean end() {
        boolean first = ended.compareAndSet(false, true);
        if (first) {
            stopListening();
        }
        return first;
    }

    private void stopListening() {
        Future<?> running = timer;
        if (running != null) {
            running.cancel(false);
        }
        Disposable listening = abort;
        if (listening != null) {
            listening.dispose();
        }
    }
}
