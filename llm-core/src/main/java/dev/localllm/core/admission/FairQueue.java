package dev.localllm.core.admission;

import dev.localllm.core.catalog.ModelId;
import dev.localllm.core.failure.LlmException;
import dev.localllm.core.failure.LlmFailure.Overloaded;
import dev.localllm.core.failure.LlmFailure.ShuttingDown;
import dev.localllm.core.limit.ClientId;
import java.time.Duration;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * Grants permits for generations on one GPU: each model works on a limited number at once, the other requests wait. Fair
 * by GPU time: next is a request of the client that has used the least per weight. A request is charged while it holds a
 * permit, as {@link SharedTime} divides the time.
 *
 * <p>Start-time fair queueing: a client that did not wait starts at the level of the others, so it gains no credit. For any
 * two clients that wait all the time for the same models, the used times per weight differ by no more than the longest
 * answer of each per its weight, as long as no model has to be switched. When nothing waits or runs, all start at one level. A
 * client that changes its name escapes at most the charges of its requests since it last had to wait.
 *
 * <p>Never blocks, has no threads. Thread-safe. Listeners are called without the lock, one after the other.
 */
public final class FairQueue {

    /** Bounds the memory. At the limit, further clients share one account. */
    static final int MAX_CLIENTS = 10_000;

    private static final long SWEEP_INTERVAL = TimeUnit.SECONDS.toNanos(1);

    private final QueueLimits limits;
    private final LongSupplier clock;
    private final SharedTime time;
    private final ModelPermits permits;
    private final Forecast forecast;
    private final Map<ClientId, Account> accounts = new HashMap<>();
    private final Account shared = new Account(1);

    /** Accounts with waiting requests. */
    private final Set<Account> backlog = new LinkedHashSet<>();

    /** Requests with a permit that have not started. */
    private final Set<Ticket> unstarted = new HashSet<>();

    /** Equal levels: first the client with fewer running requests, then the older request. */
    private final Comparator<Ticket> order = Comparator.<Ticket>comparingDouble(this::level)
            .thenComparingInt(ticket -> ticket.account.running())
            .thenComparingLong(ticket -> ticket.sequence);

    private final Notifications<Ticket> endedWaits = new Notifications<>(this::tell);

    /** How far the level of a granted request, or of the end of all requests, was ahead of {@link SharedTime#perWeight}. */
    private double lead;

    private double highestLevel;
    private @Nullable Long switchWantedSince;
    private long sequence;
    private long nextSweep;
    private int requests;
    private boolean shutDown;

    /** @param clock in nanoseconds, as {@link System#nanoTime} */
    public FairQueue(QueueLimits limits, LongSupplier clock) {
        this.limits = limits;
        this.clock = clock;
        this.time = new SharedTime(clock.getAsLong());
        this.permits = new ModelPermits(limits);
        this.forecast = new Forecast(backlog, permits, time);
        this.nextSweep = time.now();
    }

    /**
     * Enters the queue. The caller makes sure that the ticket leaves or is released.
     *
     * @throws LlmException with {@link Overloaded} if the queue or the client's part of it is full, or if the expected
     *     wait exceeds the timeout; with {@link ShuttingDown} after the shutdown
     */
    public Ticket enter(ClientId client, ModelId model) {
        Ticket ticket;
        Overloaded refusal;
        synchronized (this) {
            time.advance(clock.getAsLong());
            if (shutDown) {
                throw new LlmException(new ShuttingDown());
            }
            if (requests >= limits.requests()) {
                throw new LlmException(full(model.normalized()));
            }
            Account account = account(client);
            ticket = new Ticket(this, account, model.normalized(), sequence++, time.now());
            if (account.isIdle()) {
                time.join(account.weight());
            }
            if (account.waiting().isEmpty()) {
                account.raiseTo(startOf(ticket), time.perPermit());
            }
            account.waiting().add(ticket);
            backlog.add(account);
            requests++;
            grant();
            refusal = ticket.state == Ticket.State.WAITING ? refusal(ticket) : null;
            if (refusal != null) {
                end(ticket, Ticket.State.OVER);
            }
        }
        endedWaits.deliver(); // of others, too: time has passed
        if (refusal != null) {
            throw new LlmException(refusal);
        }
        return ticket;
    }

    /**
     * What the model server has loaded side by side: requests for these models need no switch. Ignored if a model that is
     * working is not among them: then the report is older than the switch to that model.
     *
     * @param models empty if nothing is loaded: then each request needs a load
     * @return false if it was ignored
     */
    public boolean report(Set<ModelId> models) {
        Set<String> names = new LinkedHashSet<>();
        models.forEach(model -> names.add(model.normalized()));
        boolean isCurrent;
        synchronized (this) {
            time.advance(clock.getAsLong());
            isCurrent = permits.report(names);
            grant();
        }
        endedWaits.deliver();
        return isCurrent;
    }

    /** The models that are loaded or being loaded, as far as is known, by their normalized names. */
    public synchronized Set<String> loaded() {
        return permits.loaded();
    }

    /** How long a request may wait. The caller watches it, and leaves then. */
    public Duration timeout() {
        return limits.timeout();
    }

    /** Refuses the waiting requests and all further ones. Running ones go on. */
    public void shutDown() {
        synchronized (this) {
            shutDown = true;
            for (Account account : List.copyOf(backlog)) {
                for (Ticket ticket : List.copyOf(account.waiting())) {
                    end(ticket, Ticket.State.REFUSED);
                    endedWaits.add(ticket);
                }
            }
        }
        endedWaits.deliver();
    }

    /** Number of permits that are granted now. */
    public synchronized int running() {
        return requests - waiting();
    }

    /** Number of requests that wait now. */
    public synchronized int waiting() {
        return backlog.stream().mapToInt(account -> account.waiting().size()).sum();
    }

    /** Number of clients with an account of their own. */
    synchronized int clients() {
        return accounts.size();
    }

    void listen(Ticket ticket, Ticket.Listener listener) {
        synchronized (this) {
            ticket.listener = listener;
            if (ticket.state != Ticket.State.WAITING) {
                endedWaits.add(ticket);
            }
        }
        endedWaits.deliver();
    }

    /** True if requests wait for a permit of the model, or have got one and are about to start. */
    public synchronized boolean isAwaited(ModelId model) {
        Predicate<Ticket> isForIt = ticket -> ticket.model.equals(model.normalized());
        return isWaiting(isForIt) || unstarted.stream().anyMatch(isForIt);
    }

    /** True if a permit of the model is held, and the model is loaded. */
    public synchronized boolean isWorking(ModelId model) {
        return permits.of(model.normalized()) > 0 && !permits.isLoading(model.normalized());
    }

    synchronized boolean isGranted(Ticket ticket) {
        return switch (ticket.state) {
            case GRANTED, LOADING, ABANDONED, STARTED -> true;
            case WAITING, REFUSED, OVER -> false;
        };
    }

    synchronized boolean start(Ticket ticket) {
        return ticket.state == Ticket.State.GRANTED && begin(ticket, Ticket.State.STARTED);
    }

    synchronized boolean startLoad(Ticket ticket) {
        return ticket.state == Ticket.State.GRANTED
                && permits.isLoading(ticket.model)
                && begin(ticket, Ticket.State.LOADING);
    }

    private boolean begin(Ticket ticket, Ticket.State state) {
        unstarted.remove(ticket);
        ticket.state = state;
        ticket.started = true;
        return true;
    }

    synchronized boolean onLoaded(Ticket ticket) {
        if (!isGranted(ticket) || ticket.state == Ticket.State.STARTED) {
            return false;
        }
        time.advance(clock.getAsLong());
        ticket.loaded = time.now();
        ticket.loadCharge = time.perPermit() - ticket.start;
        if (permits.onLoaded(ticket.model)) {
            forecast.onNext();
        }
        return ticket.state == Ticket.State.LOADING && begin(ticket, Ticket.State.STARTED);
    }

    synchronized boolean abandon(Ticket ticket) {
        boolean loads = ticket.state == Ticket.State.LOADING;
        if (loads) {
            ticket.state = Ticket.State.ABANDONED;
        }
        return loads;
    }

    void release(Ticket ticket) {
        synchronized (this) {
            boolean generated = ticket.state == Ticket.State.STARTED;
            if (!isGranted(ticket) || ticket.state == Ticket.State.GRANTED) {
                return;
            }
            time.advance(clock.getAsLong());
            stop(ticket);
            if (generated) {
                forecast.onCharge(ticket.charge - ticket.loadCharge);
            }
            grant();
        }
        endedWaits.deliver();
    }

    void leave(Ticket ticket) {
        synchronized (this) {
            time.advance(clock.getAsLong());
            switch (ticket.state) {
                case WAITING -> end(ticket, Ticket.State.OVER);
                case GRANTED -> stop(ticket);
                case LOADING, ABANDONED, STARTED, REFUSED, OVER -> {
                    return;
                }
            }
            grant();
        }
        endedWaits.deliver();
    }

    synchronized @Nullable Place place(Ticket ticket) {
        if (ticket.state != Ticket.State.WAITING) {
            return isInLoad(ticket) ? new Place(0, null, true) : null;
        }
        time.advance(clock.getAsLong());
        return forecast.placeOf(ticket);
    }

    synchronized Receipt receipt(Ticket ticket) {
        time.advance(clock.getAsLong());
        long waitedUntil = ticket.state == Ticket.State.WAITING ? time.now() : ticket.granted;
        long loadedAt = isInLoad(ticket) ? time.now() : Math.max(waitedUntil, ticket.loaded);
        double charge = isGranted(ticket) ? time.perPermit() - ticket.start : ticket.charge;
        return new Receipt(
                Duration.ofNanos(waitedUntil - ticket.entered),
                Duration.ofNanos(loadedAt - waitedUntil),
                Duration.ofNanos(Math.round(charge)),
                ticket.started);
    }

    private boolean isInLoad(Ticket ticket) {
        return switch (ticket.state) {
            case LOADING, ABANDONED -> true;
            case GRANTED -> permits.isLoading(ticket.model);
            case WAITING, STARTED, REFUSED, OVER -> false;
        };
    }

    /** Grants all permits that can be granted now. */
    private void grant() {
        for (Ticket next = next(); next != null; next = next()) {
            Account account = next.account;
            raiseVirtualTime(account.level(time.perPermit()));
            if (permits.all() == 0) {
                forecast.onNext();
            }
            removeFromBacklog(next);
            account.start(time.perPermit());
            time.hold();
            next.granted = time.now();
            next.loaded = time.now();
            next.start = time.perPermit();
            next.state = Ticket.State.GRANTED;
            unstarted.add(next);
            if (!permits.needsNoSwitch(next.model)) {
                switchWantedSince = null;
            }
            permits.take(next.model);
            if (next.listener != null) {
                endedWaits.add(next);
            }
        }
    }

    /** The level of a client that always got its fair part, but no less than that of the last granted request. */
    private double virtualTime() {
        return time.perWeight() + lead;
    }

    private void raiseVirtualTime(double level) {
        lead = Math.max(lead, level - time.perWeight());
    }

    /** A client that did not wait starts at the virtual time, but not behind all that wait for the same model. */
    private double startOf(Ticket ticket) {
        double highest = Double.NEGATIVE_INFINITY;
        for (Account account : backlog) {
            if (account.waiting().stream().anyMatch(other -> other.model.equals(ticket.model))) {
                highest = Math.max(highest, account.level(time.perPermit()));
            }
        }
        return highest == Double.NEGATIVE_INFINITY ? virtualTime() : Math.min(virtualTime(), highest);
    }

    /**
     * The request whose turn it is. If it needs another model, requests for the loaded ones may go first for a while; then
     * it starts when no other model is running.
     */
    private @Nullable Ticket next() {
        Ticket next = fairest(ticket -> true);
        if (switchWantedSince != null && !isWaiting(ticket -> !isLoaded(ticket))) {
            switchWantedSince = null;
        }
        if (next == null || isLoaded(next)) {
            return next;
        }
        if (switchWantedSince == null) {
            switchWantedSince = time.now();
        }
        if (isWaiting(this::isLoaded)
                && time.now() - switchWantedSince < limits.switchAfter().toNanos()) {
            return fairest(this::isLoaded);
        }
        return permits.areOnlyOf(next.model) ? next : null;
    }

    private boolean isLoaded(Ticket ticket) {
        return permits.needsNoSwitch(ticket.model);
    }

    private boolean isWaiting(Predicate<Ticket> kind) {
        return backlog.stream().anyMatch(account -> account.waiting().stream().anyMatch(kind));
    }

    /** Of the requests that could run now: that of the client with the lowest level; null if there is none. */
    private @Nullable Ticket fairest(Predicate<Ticket> kind) {
        Ticket fairest = null;
        for (Account account : backlog) {
            Ticket first = first(account, kind);
            if (first != null && (fairest == null || order.compare(first, fairest) < 0)) {
                fairest = first;
            }
        }
        return fairest;
    }

    private double level(Ticket ticket) {
        return ticket.account.level(time.perPermit());
    }

    private @Nullable Ticket first(Account account, Predicate<Ticket> kind) {
        for (Ticket ticket : account.waiting()) {
            if (permits.isFree(ticket.model) && kind.test(ticket)) {
                return ticket;
            }
        }
        return null;
    }

    /** Ends a request that waits. */
    private void end(Ticket ticket, Ticket.State state) {
        removeFromBacklog(ticket);
        ticket.granted = time.now();
        ticket.loaded = time.now();
        ticket.state = state;
        forget(ticket);
    }

    /** Takes the permit of a request. */
    private void stop(Ticket ticket) {
        ticket.charge = time.perPermit() - ticket.start;
        ticket.account.stop(ticket.start, time.perPermit());
        highestLevel = Math.max(highestLevel, ticket.account.level(time.perPermit()));
        time.release();
        if (isInLoad(ticket)) {
            ticket.loaded = time.now();
        }
        permits.giveBack(ticket.model);
        unstarted.remove(ticket);
        ticket.state = Ticket.State.OVER;
        forecast.onNext();
        forget(ticket);
    }

    /** When nothing waits or runs, nobody has a debt. */
    private void forget(Ticket ticket) {
        requests--;
        if (ticket.account.isIdle()) {
            time.quit(ticket.account.weight());
        }
        if (requests == 0) {
            raiseVirtualTime(highestLevel);
        }
    }

    private void removeFromBacklog(Ticket ticket) {
        ticket.account.waiting().remove(ticket);
        if (ticket.account.waiting().isEmpty()) {
            backlog.remove(ticket.account);
        }
    }

    private Account account(ClientId client) {
        Account known = accounts.get(client);
        if (known != null) {
            return known;
        }
        if (accounts.size() >= MAX_CLIENTS && !limits.weights().containsKey(client)) {
            sweep();
            if (accounts.size() >= MAX_CLIENTS) {
                return shared;
            }
        }
        Account created = new Account(limits.weight(client));
        accounts.put(client, created);
        return created;
    }

    /** Drops the idle accounts that would start at the same level again. */
    private void sweep() {
        if (time.now() - nextSweep >= 0) {
            nextSweep = time.now() + SWEEP_INTERVAL;
            accounts.values().removeIf(account -> account.isIdle() && account.level(time.perPermit()) <= virtualTime());
        }
    }

    private @Nullable Overloaded refusal(Ticket ticket) {
        Place place = forecast.placeOf(ticket);
        List<Ticket> own = ticket.account.waiting();
        if (own.size() > limits.waitingPerClient() && ticket.account != shared) {
            Duration untilRoom =
                    own.size() == 1 ? null : forecast.placeOf(own.getFirst()).expectedWait();
            return new Overloaded("The client has too many waiting requests. " + described(place), true, untilRoom);
        }
        Duration wait = place.expectedWait();
        if (wait != null && wait.compareTo(limits.timeout()) > 0) {
            Duration untilShorter = wait.minus(limits.timeout());
            return new Overloaded("The wait would be too long. " + described(place), false, untilShorter);
        }
        return null;
    }

    private Overloaded full(String model) {
        int position = waiting() + 1;
        String place = described(forecast.place(position, model));
        return new Overloaded("The queue is full. " + place, false, forecast.expectedWait(1, model));
    }

    private static String described(Place place) {
        String position = "The request would have place " + place.position();
        Duration wait = place.expectedWait();
        return wait == null
                ? position + "."
                : position + " and an expected wait of " + Math.ceilDiv(wait.toMillis(), 1000) + " s.";
    }

    private void tell(Ticket ticket) {
        Ticket.Listener listener;
        Ticket.State state;
        synchronized (this) {
            listener = ticket.listener;
            ticket.listener = null;
            state = ticket.state;
        }
        if (listener != null && state == Ticket.State.GRANTED) {
            listener.onGranted();
        } else if (listener != null && state == Ticket.State.REFUSED) {
            listener.onRefused(new ShuttingDown());
        }
    }
}
