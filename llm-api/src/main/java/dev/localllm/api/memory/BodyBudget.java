package dev.localllm.api.memory;

import dev.localllm.core.limit.ClientId;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Limits the bytes of all request bodies in flight, and those of each client. Counts bytes when they arrive, not when a
 * Content-Length announces them. When the limit is reached, the slowest upload is aborted; if the client's own limit is
 * reached, the slowest of that client. A complete body is never aborted and counts until its request is over. Never
 * blocks. Thread-safe.
 */
public final class BodyBudget {

    private static final double HALF_LIFE_NANOS = TimeUnit.SECONDS.toNanos(1);

    private final long capacity;
    private final long perClient;
    private final LongSupplier clock;
    private final Set<Upload> receiving = new HashSet<>();
    private final Map<ClientId, Long> usedByClient = new HashMap<>();
    private long used;

    /**
     * @param capacity limit of all bodies together, in bytes
     * @param perClient limit of one client's bodies, in bytes
     * @param clock in nanoseconds, as {@link System#nanoTime}
     */
    public BodyBudget(long capacity, long perClient, LongSupplier clock) {
        this.capacity = capacity;
        this.perClient = perClient;
        this.clock = clock;
    }

    /**
     * Begins the upload of one body.
     *
     * @param onAbort called at most once, on any thread, after the upload was aborted and its bytes released; its
     *     argument is true if the client's own limit was reached
     */
    public synchronized Upload begin(ClientId client, Consumer<Boolean> onAbort) {
        Upload upload = new Upload(client, onAbort);
        receiving.add(upload);
        return upload;
    }

    /** The limit of all bodies together, in bytes. */
    public long capacity() {
        return capacity;
    }

    /** Bytes in use. */
    public synchronized long used() {
        return used;
    }

    /** One request body. The caller closes it when its request is over. */
    public final class Upload implements AutoCloseable {

        private final ClientId client;
        private final Consumer<Boolean> onAbort;
        private final long begun = clock.getAsLong();
        private long bytes;
        private double recentBytes;
        private long lastArrival = begun;

        private Upload(ClientId client, Consumer<Boolean> onAbort) {
            this.client = client;
            this.onAbort = onAbort;
        }

        /** Counts bytes that have arrived. Returns false if the upload is aborted, now or before. */
        public boolean take(int count) {
            arrived(count);
            Abort abort;
            do {
                abort = takeOrAbortSlowest(this, count);
                if (abort != null) {
                    abort.victim.onAbort.accept(abort.ownLimit);
                }
            } while (abort != null && abort.victim != this);
            return abort == null && isReceiving(this);
        }

        /** Called when the body is complete. Returns false if the upload was aborted before. */
        public boolean complete() {
            synchronized (BodyBudget.this) {
                return receiving.remove(this);
            }
        }

        /** Releases the bytes. Idempotent. */
        @Override
        public void close() {
            synchronized (BodyBudget.this) {
                end();
            }
        }

        private void arrived(int count) {
            synchronized (BodyBudget.this) {
                long now = clock.getAsLong();
                recentBytes = decayed(recentBytes, now - lastArrival) + count;
                lastArrival = now;
            }
        }

        private void end() {
            receiving.remove(this);
            count(-bytes);
        }

        private void count(long change) {
            bytes += change;
            used += change;
            if (change != 0) {
                usedByClient.merge(client, change, (before, more) -> before + more == 0 ? null : before + more);
            }
        }

        /**
         * Bytes per half-life, as an exponentially weighted average that is corrected for uploads younger than that.
         */
        private double rate(long now) {
            return decayed(recentBytes, now - lastArrival) / (1 - decayed(1, now - begun));
        }
    }

    private record Abort(Upload victim, boolean ownLimit) {}

    private synchronized boolean isReceiving(Upload upload) {
        return receiving.contains(upload);
    }

    /**
     * Counts the bytes and returns null, or aborts the slowest upload and returns it. Returns null without counting if
     * the upload was aborted before.
     */
    private synchronized @Nullable Abort takeOrAbortSlowest(Upload upload, int count) {
        if (!receiving.contains(upload)) {
            return null;
        }
        boolean clientIsFull = usedByClient.getOrDefault(upload.client, 0L) + count > perClient;
        if (!clientIsFull && used + count <= capacity) {
            upload.count(count);
            return null;
        }
        Upload victim = slowest(upload, clientIsFull);
        victim.end();
        return new Abort(victim, clientIsFull);
    }

    /** The slowest upload that holds bytes, or the one that needs room. */
    private Upload slowest(Upload current, boolean sameClient) {
        long now = clock.getAsLong();
        return receiving.stream()
                .filter(upload -> upload == current || upload.bytes > 0)
                .filter(upload -> !sameClient || upload.client.equals(current.client))
                .min(Comparator.comparingDouble(upload -> upload.rate(now)))
                .orElseThrow();
    }

    private static double decayed(double amount, long nanos) {
        return amount * Math.pow(0.5, nanos / HALF_LIFE_NANOS);
    }
}
