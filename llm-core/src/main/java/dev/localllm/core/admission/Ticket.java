package dev.localllm.core.admission;

import dev.localllm.core.failure.LlmFailure;
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

        /** The model is being loaded for this request, or for another one. */
        LOADING,

        /** The request has left or failed while LOADING; the load may go on. */
        ABANDONED,
        STARTED,
        REFUSED,
        OVER
    }

    final Account account;
    final String model;
    final long sequence;
    State state = State.WAITING;

    boolean started;

    /** Times on the clock of the queue: of the entry, of the end of the wait, of the end of the load. */
    final long entered;

    long granted;
    long loaded;

    /** {@link SharedTime#perPermit} when the permit was granted. */
    double start;

    double charge;

    /** The part of the charge until the model was loaded. */
    double loadCharge;

    @Nullable
    Listener listener;

    private final FairQueue queue;

    /**
     * @param sequence orders requests by their arrival
     * @param now of the queue's clock
     */
    Ticket(FairQueue queue, Account account, String model, long sequence, long now) {
        this.queue = queue;
        this.account = account;
        this.model = model;
        this.sequence = sequence;
        this.entered = now;
        this.granted = now;
        this.loaded = now;
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

    /**
     * Called before {@link #start}. If it returns true, the caller loads the model, or waits for the load that another
     * request has caused, and then calls {@link #onLoaded} instead of {@link #start}, or {@link #abandon}; and only
     * {@link #release} gives the permit back.
     *
     * @return false if the model is loaded, as far as is known, or if {@link #start} would return false
     */
    public boolean startLoad() {
        return queue.startLoad(this);
    }

    /**
     * The model is loaded. If no request says so, the next one has to load it again.
     *
     * @return true if the generation starts now; false if the request was abandoned
     */
    public boolean onLoaded() {
        return queue.onLoaded(this);
    }

    /** Called when the request leaves or fails during the load. Returns false if it is not in a load: then does nothing. */
    public boolean abandon() {
        return queue.abandon(this);
    }

    /** Called when the exchange with the model server is over, that of the load or of the generation. Idempotent. */
    public void release() {
        queue.release(this);
    }

    /** Leaves the queue, and gives back a permit that was not used. Does nothing after {@link #start} or
     * {@link #startLoad}. Idempotent. */
    public void leave() {
        queue.leave(this);
    }

    @Override
    public @Nullable Place place() {
        return queue.place(this);
    }

    @Override
    public Receipt receipt() {
        return queue.receipt(this);
    }
}
