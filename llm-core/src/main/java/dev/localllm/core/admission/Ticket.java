package dev.localllm.core.admission;

import dev.localllm.core.failure.LlmFailure;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * One request in the {@link FairQueue}: it waits, is granted a permit, starts, and releases the permit; or it leaves.
 * Thread-safe.
 */
public final class Ticket implements Queued {

    /** Told once how the wait has ended. Called on any thread; must not throw. */
    public interface Listener {

        /** The permit is granted: {@link #start} may be called. */
        void onGranted();

        /** The queue was shut down. */
        void onRefused(LlmFailure failure);
    }

    enum State {
        WAITING,
        GRANTED,
        STARTED,
        REFUSED,
        OVER
    }

    final Account account;
    final String model;
    final long sequence;
    State state = State.WAITING;
    double start;
    double charge;

    @Nullable
    Listener listener;

    private final FairQueue queue;

    /** @param sequence orders requests by their arrival */
    Ticket(FairQueue queue, Account account, String model, long sequence) {
        this.queue = queue;
        this.account = account;
        this.model = model;
        this.sequence = sequence;
    }

    /** Tells the listener when the wait has ended; at once if it has ended already. Called once. */
    public void listen(Listener to) {
        queue.listen(this, to);
    }

    /** True if the permit was granted and not given back. */
    public boolean isGranted() {
        return queue.isGranted(this);
    }

    /**
     * Called when the generation starts. From then on, only {@link #release} gives the permit back.
     *
     * @return false if the request has left meanwhile, or has no permit: then the generation must not start
     */
    public boolean start() {
        return queue.start(this);
    }

    /** Called when the exchange with the model server is over. Idempotent. */
    public void release() {
        queue.release(this);
    }

    /** Leaves the queue, and gives back a permit that was not used. Does nothing after {@link #start}. Idempotent. */
    public void leave() {
        queue.leave(this);
    }

    @Override
    public @Nullable Place place() {
        return queue.place(this);
    }

    /** The GPU time charged to the client for this request until now. */
    public Duration charged() {
        return queue.charged(this);
    }
}
