package dev.localllm.core.admission;

import java.time.Duration;
import java.util.Collection;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Estimates places and waits, from the charges of the latest requests. Not thread-safe. */
final class Forecast {

    /** Levels count as equal if they differ by less than this part of a typical charge: they have rounding errors. */
    private static final double EQUAL = 1e-6;

    private final Collection<Account> backlog;
    private final ModelPermits permits;
    private final SharedTime time;
    private final TypicalCharge typical = new TypicalCharge();
    private long busySince;

    /** @param backlog accounts with waiting requests, as they are at each call */
    Forecast(Collection<Account> backlog, ModelPermits permits, SharedTime time) {
        this.backlog = backlog;
        this.permits = permits;
        this.time = time;
        this.busySince = time.now();
    }

    /** The GPU begins to work on the next request: one has ended, or the first one starts. */
    void onNext() {
        busySince = time.now();
    }

    /** @param charge of an ended request, without the load of its model */
    void onCharge(double charge) {
        typical.add(charge);
    }

    /** The place of a waiting request among those for the same model: they wait for the same permits. */
    Place placeOf(Ticket ticket) {
        double charge = typical.nanos();
        int index = ticket.account.waitingFor(ticket.model).indexOf(ticket);
        double level = ticket.account.levelAt(index, charge, time.perPermit());
        int position = index + 1;
        for (Account account : backlog) {
            if (account != ticket.account) {
                position += countBefore(account, level, charge, ticket);
            }
        }
        return place(position, ticket.model);
    }

    Place place(int position, String model) {
        return new Place(position, expectedWait(position, model), permits.isLoading(model));
    }

    /** How many requests of another client start before the level is reached; at an equal level, the older goes first. */
    private int countBefore(Account account, double level, double charge, Ticket ticket) {
        List<Ticket> others = account.waitingFor(ticket.model);
        double starts = account.startsBefore(level, charge, time.perPermit());
        long nearest = Math.round(starts);
        if (nearest >= 0 && nearest < others.size()) {
            int index = (int) nearest;
            double difference = account.levelAt(index, charge, time.perPermit()) - level;
            if (Math.abs(difference) <= EQUAL * charge) {
                return others.get(index).sequence < ticket.sequence ? index + 1 : index;
            }
        }
        return (int) Math.max(0, Math.min(others.size(), Math.ceil(starts)));
    }

    /**
     * The GPU ends one request per typical charge, however many it works on; the model has a part of them. Null if nothing
     * is known, or if the model is not working: then it must be loaded or is being loaded.
     */
    @Nullable
    Duration expectedWait(int position, String model) {
        int held = permits.of(model);
        if (!typical.isKnown() || held == 0 || permits.isLoading(model)) {
            return null;
        }
        double interval = typical.nanos() * permits.all() / held;
        double untilNext = Math.max(0, interval - (time.now() - busySince));
        return Duration.ofNanos(Math.round(untilNext + (position - 1) * interval));
    }
}
