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
     * @param onAbort called at most once, on any thread, when the upload is aborted and no longer counted; told whether
     *     its client had used up its own share
     */
    public synchronized Upload begin(ClientId client, Consumer<Boolean> onAbort) {
        Upload upload = new Upload(client, onAbort);
        receiving.add(upload);
        return upload;
    }

    /** In bytes. */
    public synchronized long used() {
        return used;
    }

    /** One request body. To be closed when its request is over. */
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

        /** These bytes have arrived. False if the upload was or is hereby aborted. */
        public boolean take(int count) {
            arrived(count);
            Abort abort;
            do {
                abort = takeOrAbortSlowest(this, count);
                if (abort != null) {
                    abort.victim.onAbort.accept(abort.ownShare);
                }
            } while (abort != null && abort.victim != this);
            return abort == null && isReceiving(this);
        }

        /** All of the body has arrived. False if the upload was aborted before. */
        public boolean complete() {
            synchronized (BodyBudget.this) {
                return receiving.remove(this);
            }
        }

        /** Gives the bytes back. Idempotent. */
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

        /** Bytes per half-life, the latest ones counting most; right from the first byte on. */
        private double rate(long now) {
            return decayed(recentBytes, now - lastArrival) / (1 - decayed(1, now - begun));
        }
    }

    private record Abort(Upload victim, boolean ownShare) {}

    private synchronized boolean isReceiving(Upload upload) {
        return receiving.contains(upload);
    }

    /** Null if there was room, or if the upload was aborted before. */
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

    /** Among those whose end gives room, and the one that asks for it. */
    private Upload slowest(Upload asking, boolean ofItsClient) {
        long now = clock.getAsLong();
        return receiving.stream()
                .filter(upload -> upload == asking || upload.bytes > 0)
                .filter(upload -> !ofItsClient || upload.client.equals(asking.client))
                .min(Comparator.comparingDouble(upload -> upload.rate(now)))
                .orElseThrow();
    }

    private static double decayed(double amount, long nanos) {
        return amount * Math.pow(0.5, nanos / HALF_LIFE_NANOS);
    }
}
