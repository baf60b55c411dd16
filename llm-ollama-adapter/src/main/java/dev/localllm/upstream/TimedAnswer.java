package dev.localllm.upstream;

import java.util.concurrent.atomic.AtomicBoolean;
import org.reactivestreams.Subscription;
import reactor.core.CoreSubscriber;
import reactor.core.publisher.Flux;
import reactor.core.publisher.FluxOperator;
import reactor.core.publisher.Operators;
import reactor.util.context.Context;

/**
 * The answer of one exchange, within the deadlines of its generation. Tells the exchange when the response has ended;
 * any other end leaves the exchange to {@link Exchange#guard}, which aborts it. One operator, as every request needs it.
 *
 * <p>An answer is complete with its last event: a fault or a deadline after that completes it, too. The source's signals
 * come from the event loop of the exchange's connection. An expired deadline ends the answer there, so that signals
 * never overlap.
 */
final class TimedAnswer<T> implements CoreSubscriber<T>, Subscription {

    private final CoreSubscriber<? super T> client;
    private final Context context;
    private final GenerationDeadline deadline;
    private final Exchange exchange;
    private final AtomicBoolean ended = new AtomicBoolean();
    private Subscription source = Operators.emptySubscription();

    private TimedAnswer(CoreSubscriber<? super T> client, GenerationDeadline deadline, Exchange exchange) {
        this.client = client;
        this.context = client.currentContext();
        this.deadline = deadline;
        this.exchange = exchange;
    }

    /**
     * Limits the time of an answer.
     *
     * @param events of the answer; the caller calls {@link GenerationDeadline#onEvents} for each list of them. For an
     *     answer without such calls, the first-token timeout is that of the complete answer
     * @return takes one subscriber
     */
    static <T> Flux<T> of(Flux<T> events, GenerationDeadline deadline, Exchange exchange) {
        return new FluxOperator<>(events) {
            @Override
            public void subscribe(CoreSubscriber<? super T> client) {
                source.subscribe(new TimedAnswer<>(client, deadline, exchange));
            }
        };
    }

    @Override
    public Context currentContext() {
        return context;
    }

    @Override
    public void onSubscribe(Subscription subscription) {
        source = subscription;
        deadline.start(exchange::onEventLoop, this::expire);
        client.onSubscribe(this);
    }

    @Override
    public void request(long count) {
        deadline.onRequest(count);
        source.request(count);
    }

    @Override
    public void cancel() {
        if (end()) {
            source.cancel();
        }
    }

    @Override
    public void onNext(T element) {
        if (!ended.get()) {
            client.onNext(element);
        }
    }

    @Override
    public void onError(Throwable fault) {
        if (deadline.isFinished()) {
            onComplete();
        } else if (end()) {
            client.onError(fault);
        }
    }

    @Override
    public void onComplete() {
        if (end()) {
            exchange.complete();
            client.onComplete();
        }
    }

    private void expire() {
        if (!end()) {
            return;
        }
        source.cancel();
        if (deadline.isFinished()) {
            client.onComplete();
        } else {
            client.onError(deadline.failure());
        }
    }

    /** True for the first caller only. */
    private boolean end() {
        boolean first = ended.compareAndSet(false, true);
        if (first) {
            deadline.stop();
        }
        return first;
    }
}
