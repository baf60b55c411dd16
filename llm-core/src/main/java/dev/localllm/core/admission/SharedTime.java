package dev.localllm.core.admission;

/**
 * The time of the GPU, divided among the permits that are held: while {@code n} are held, each is charged the {@code n}th
 * part of the time. So all charges together are the time in which the GPU was busy. In nanoseconds. Not thread-safe.
 */
final class SharedTime {

    private long now;
    private int held;
    private double perPermit;
    private int weights;
    private double perWeight;

    SharedTime(long now) {
        this.now = now;
    }

    /** Goes on to this time. If the clock went back, it stands still until the clock is there again. */
    void advance(long to) {
        if (to - now <= 0) {
            return;
        }
        if (held > 0) {
            perPermit += (double) (to - now) / held;
            perWeight += (double) (to - now) / weights;
        }
        now = to;
    }

    long now() {
        return now;
    }

    /** What a permit would be charged that was held from the beginning. A permit's charge is a difference of two. */
    double perPermit() {
        return perPermit;
    }

    /** What a client with weight 1 would have used that always got its fair part. */
    double perWeight() {
        return perWeight;
    }

    /** A client begins to wait or to run; it holds no permit before that. */
    void join(int weight) {
        weights += weight;
    }

    /** A client neither waits nor runs any longer. */
    void quit(int weight) {
        weights -= weight;
    }

    void hold() {
        held++;
    }

    void release() {
        held--;
    }
}
