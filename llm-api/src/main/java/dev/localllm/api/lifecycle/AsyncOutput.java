package dev.localllm.api.lifecycle;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.TimeUnit;

/**
 * Writes to a slow stream on a thread of its own, so that a log does not block event loops. Lines that come within 5 ms
 * are written together. While more than 1 MB waits, because nobody reads, further writes are dropped; their number is
 * written when there is room again. Thread-safe.
 */
public final class AsyncOutput extends OutputStream {

    private static final int MAX_BYTES = 1 << 20;
    private static final long DELAY_MS = 5;

    private final OutputStream target;

    /** Held while the target is written to; taken before the monitor of this object. */
    private final Object targetLock = new Object();

    private ByteArrayOutputStream waiting = new ByteArrayOutputStream();
    private ByteArrayOutputStream spare = new ByteArrayOutputStream();
    private int dropped;
    private boolean synchronous;

    AsyncOutput(OutputStream target) {
        this.target = target;
    }

    /**
     * Replaces {@link System#out}. When the JVM exits, what waits is written, and what comes later is written at once.
     * Nothing is written if the JVM is killed or halted.
     */
    public static void replaceStandardOutput() {
        PrintStream standard = System.out;
        AsyncOutput output = new AsyncOutput(standard);
        System.setOut(new PrintStream(output, false, standard.charset()));
        Thread.ofPlatform().name("log").daemon().start(output::run);
        Runtime.getRuntime().addShutdownHook(new Thread(output::becomeSynchronous, "log-end"));
    }

    @Override
    public void write(int value) {
        write(new byte[] {(byte) value}, 0, 1);
    }

    @Override
    public void write(byte[] bytes, int offset, int length) {
        boolean now;
        synchronized (this) {
            now = synchronous;
            if (waiting.size() + length > MAX_BYTES) {
                dropped++;
            } else {
                waiting.write(bytes, offset, length);
                notifyAll();
            }
        }
        if (now) {
            writeWaiting();
        }
    }

    /** Writes until the thread is interrupted. */
    void run() {
        try {
            while (true) {
                awaitWrite();
                TimeUnit.MILLISECONDS.sleep(DELAY_MS);
                writeWaiting();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    void becomeSynchronous() {
        synchronized (this) {
            synchronous = true;
        }
        writeWaiting();
    }

    private synchronized void awaitWrite() throws InterruptedException {
        while (waiting.size() == 0) {
            wait();
        }
    }

    private void writeWaiting() {
        synchronized (targetLock) {
            ByteArrayOutputStream taken = take();
            try {
                taken.writeTo(target);
                target.flush();
            } catch (IOException e) {
                // Nobody can be told: this is where the log goes.
            }
            taken.reset();
        }
    }

    private synchronized ByteArrayOutputStream take() {
        ByteArrayOutputStream taken = waiting;
        waiting = spare;
        spare = taken;
        if (dropped > 0) {
            taken.writeBytes(("Dropped " + dropped + " lines of the log: standard output was blocked.\n")
                    .getBytes(StandardCharsets.UTF_8));
            dropped = 0;
        }
        return taken;
    }
}
