package dev.localllm.core.admission;

import java.util.ArrayList;
import java.util.List;

/**
 * What one client has used of the GPU, and its waiting requests. The level is the used time per weight, in nanoseconds;
 * it starts at the level of the others, not at zero. Not thread-safe.
 */
final class Account {

    private final int weight;
    private final List<Ticket> waiting = new ArrayList<>();

    /** The level, without the running requests. */
    private double base;

    private int running;

    /** Sum of {@link SharedTime#perPermit} at the starts of the running requests. */
    private double starts;

    Account(int weight) {
        this.weight = weight;
    }

    int weight() {
        return weight;
    }

    /** Waiting requests, the oldest first. */
    List<Ticket> waiting() {
        return waiting;
    }

    /** Those of them that wait for the model. */
    List<Ticket> waitingFor(String model) {
        List<Ticket> line = new ArrayList<>(waiting.size());
        for (Ticket ticket : waiting) {
            if (ticket.model.equals(model)) {
                line.add(ticket);
            }
        }
        return line;
    }

    int running() {
        return running;
    }

    boolean isIdle() {
        return running == 0 && waiting.isEmpty();
    }

    /** A client that did not wait gains no credit. */
    void raiseTo(double level, double perPermit) {
        base += Math.max(0, level - level(perPermit));
    }

    double level(double perPermit) {
        return base + (running * perPermit - starts) / weight;
    }

    /**
     * The expected level when the waiting request with this index starts.
     *
     * @param typical the charge of a typical request
     */
    double levelAt(int index, double typical, double perPermit) {
        double afterRunning = base + running * typical / weight;
        return Math.max(afterRunning, level(perPermit)) + index * typical / weight;
    }

    /** How many waiting requests are expected to start before that level is reached, as a fraction. */
    double startsBefore(double level, double typical, double perPermit) {
        return (level - levelAt(0, typical, perPermit)) * weight / typical;
    }

    void start(double perPermit) {
        running++;
        starts += perPermit;
    }

    void stop(double start, double perPermit) {
        base += (perPermit - start) / weight;
        running--;
        starts = running == 0 ? 0 : starts - start; // no rounding error is kept
    }
}
