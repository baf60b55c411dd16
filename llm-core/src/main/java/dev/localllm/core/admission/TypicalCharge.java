package dev.localllm.core.admission;

/** The typical charge of a request: a moving average of the latest ones. In nanoseconds. Not thread-safe. */
final class TypicalCharge {

    /** The weight of one request is at least its reciprocal. A larger one would hide a change, a smaller one is uncertain. */
    private static final int WINDOW = 64;

    /** Orders the queue before anything is known. */
    private static final double DEFAULT = 1e9;

    private double mean;
    private int count;

    void add(double charge) {
        count = Math.min(count + 1, WINDOW);
        mean += (charge - mean) / count;
    }

    boolean isKnown() {
        return count > 0;
    }

    /** More than zero. */
    double nanos() {
        return isKnown() ? Math.max(1, mean) : DEFAULT;
    }
}
