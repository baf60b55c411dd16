package dev.localllm.api.memory;

import dev.localllm.core.limit.ClientId;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Bounds the bytes of all request bodies in flight, and of those of one client. Counts bytes as they arrive: a length
 * that is only announced takes nothing. When there is no room, the slowest upload is aborted, of the same client if
 * that client has used up its share. A body that has arrived keeps its bytes until its request is over and is never
 * aborted. Never waits. Thread-safe.
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
     * @param capacity for all bodies, in bytes
     * @param perClient for the bodies of one client, in bytes
     * @param clock in nanoseconds, as {@link System#nanoTime}
     */
    public BodyBudget(long capacity, long perClient, LongSupplier clock) {
        this.capacity = capacity;
        this.perClient = perClient;
        this.clock = clock;
    }

    /**
     * A body begins to arrive.
     *
     * @param abort called at most once, on any thread, when the upload is aborted; its bytes are free by then
     */
    public Upload begin(ClientId client, Runnable abort) {
        Upload upload = new Upload(client, abort);
        synchronized (receiving) {
            receiving.add(upload);
        }
        return upload;
    }

    /** In bytes. */
    public long used() {
        synchronized (receiving) {
            return used;
        }
    }

    /** One request body. To be closed when its request is over. */
    public final class Upload implements AutoCloseable {

        private final ClientId client;
        private final Runnable abort;
        private final long begun = clock.getAsLong();
        private long bytes;
        private double recentBytes;
        private long lastArrival = begun;

        private Upload(ClientId client, Runnable abort) {
            this.client = client;
            this.abort = abort;
        }

        /** These bytes have arrived. False if the upload was or is hereby aborted. */
        public boolean take(int count) {
            arrived(count);
            Upload inTheWay;
            do {
                inTheWay = takeOrEndSlowest(count);
                if (inTheWay != null) {
                    inTheWay.abort.run();
                }
            } while (inTheWay != null && inTheWay != this);
            return inTheWay == null && isReceiving();
        }

        /** All of the body has arrived. False if the upload was aborted before. */
        public boolean complete() {
            synchronized (receiving) {
                return receiving.remove(this);
            }
        }

        /** Gives the bytes back. Idempotent. */
        @Override
        public void close() {
            synchronized (receiving) {
                end();
            }
        }

        private boolean isReceiving() {
            synchronized (receiving) {
                return receiving.contains(this);
            }
        }

        private void arrived(int count) {
            synchronized (receiving) {
                long now = clock.getAsLong();
                recentBytes = decayed(recentBytes, now - lastArrival) + count;
                lastArrival = now;
            }
        }

        private @Nullable Upload takeOrEndSlowest(int count) {
            synchronized (receiving) {
                boolean clientIsFull = usedByClient.getOrDefault(client, 0L) + count > perClient;
                if (!receiving.contains(this)) {
                    return null;
                }
                if (!clientIsFull && used + count <= capacity) {
                    count(count);
                    return null;
                }
                Upload slowest = slowest(clientIsFull ? client : null);
                slowest.end();
                return slowest;
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

        /** Bytes per half-life, the latest ones counting most; right from the first byte on. */
        private double rate(long now) {
            return decayed(recentBytes, now - lastArrival) / (1 - decayed(1, now - begun));
        }
    }

    /** @param client null for the slowest of all; there is one, as the upload that asks is among them */
    private Upload slowest(@Nullable ClientId client) {
        long now = clock.getAsLong();
        return receiving.stream()
                .filter(upload -> client == null || upload.client.equals(client))
                .min(Comparator.comparingDouble(upload -> upload.rate(now)))
                .orElseThrow();
    }

    private static double decayed(double amount, long nanos) {
        return amount * Math.pow(0.5, nanos / HALF_LIFE_NANOS);
    }
}
