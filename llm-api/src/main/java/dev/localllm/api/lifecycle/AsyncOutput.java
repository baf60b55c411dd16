package dev.localllm.api.lifecycle;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Writes to a slow stream on a thread of its own, so that a log does not block event loops. What comes within 5 ms is
 * written together. While nobody reads, 1 MB waits; further entries are dropped, and their number is written later.
 * Thread-safe.
 */
public final class AsyncOutput extends OutputStream {

    /** Limit of what waits. As much again may be in the hands of the thread that writes. */
    private static final int MAX_BYTES = 512 << 10;

    /** Buffers that have grown larger are not kept. */
    private static final int TYPICAL_BYTES = 64 << 10;

    private static final long DELAY_MS = 5;
    private static final long SYNCHRONOUS_TIMEOUT_MS = 1000;

    private final OutputStream target;
    private final ReentrantLock writing = new ReentrantLock();
    private ByteArrayOutputStream waiting = new ByteArrayOutputStream();
    private ByteArrayOutputStream spare = new ByteArrayOutputStream();
    private int dropped;
    private boolean synchronous;

    AsyncOutput(OutputStream target) {
        this.target = target;
    }

    /** Replaces {@link System#out}. Call {@link #becomeSynchronous} before the JVM exits. */
    public static AsyncOutput replaceStandardOutput() {
        PrintStream standard = System.out;
        AsyncOutput output = new AsyncOutput(standard);
        System.setOut(new PrintStream(output, false, standard.charset()));
        Thread.ofPlatform().name("log").daemon().start(output::run);
        return output;
    }

    /**
     * Writes what waits, and from then on each entry at once. Gives up after a second if the stream is blocked, so that
     * the JVM can exit.
     */
    public void becomeSynchronous() {
        synchronized (this) {
            synchronous = true;
        }
        writeSynchronously();
    }

    @Override
    public void write(int value) {
        write(new byte[] {(byte) value}, 0, 1);
    }

    @Override
    public void write(byte[] bytes, int offset, int length) {
        if (add(bytes, offset, length)) {
            writeSynchronously();
        }
    }

    /** Writes until the thread is interrupted. */
    void run() {
        try {
            while (true) {
                awaitEntry();
                TimeUnit.MILLISECONDS.sleep(DELAY_MS);
                writing.lock();
                writeWaiting();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** Returns true if the caller has to write. */
    private synchronized boolean add(byte[] bytes, int offset, int length) {
        if (waiting.size() + length > MAX_BYTES) {
            dropped++;
        } else {
            waiting.write(bytes, offset, length);
        }
        notifyAll();
        return synchronous;
    }

    private synchronized void awaitEntry() throws InterruptedException {
        while (waiting.size() == 0 && dropped == 0) {
            wait();
        }
    }

    private void writeSynchronously() {
        try {
            if (writing.tryLock(SYNCHRONOUS_TIMEOUT_MS, TimeUnit.MILLISECONDS)) {
                writeWaiting();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** Releases the lock, which the caller has taken. */
    private void writeWaiting() {
        try {
            take().writeTo(target);
            target.flush();
        } catch (IOException | RuntimeException | Error e) {
            // Nobody can be told: this is the log. It goes on with the next entry.
        } finally {
            writing.unlock();
        }
    }

    /** What waits now. Valid until the next call. */
    private synchronized ByteArrayOutputStream take() {
        ByteArrayOutputStream taken = waiting;
        if (dropped > 0) {
            taken.writeBytes(("Dropped " + dropped + " log entries: standard output was too slow.\n")
                    .getBytes(StandardCharsets.UTF_8));
            dropped = 0;
        }
        waiting = spare.size() > TYPICAL_BYTES ? new ByteArrayOutputStream() : spare;
        waiting.reset();
        spare = taken;
        return taken;
    }
}
