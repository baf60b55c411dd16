package dev.localllm.api;

import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.Level;
import io.netty.buffer.PooledByteBufAllocator;
import io.netty.util.ResourceLeakDetector;

/** Netty's leak detection at its strictest while this is open; {@link #assertNone} looks for what was not released. */
final class LeakWatch implements AutoCloseable {

    private final ResourceLeakDetector.Level before = ResourceLeakDetector.getLevel();
    private final CapturedLog log = new CapturedLog("io.netty.util.ResourceLeakDetector", Level.ERROR);

    LeakWatch() {
        ResourceLeakDetector.setLevel(ResourceLeakDetector.Level.PARANOID);
    }

    /** The detector reports when buffers are allocated after those that were lost were collected. */
    void assertNone() {
        for (int i = 0; i < 5; i++) {
            System.gc();
            for (int k = 0; k < 1000; k++) {
                PooledByteBufAllocator.DEFAULT.buffer(16).release();
            }
        }
        assertThat(log.messages()).isEmpty();
    }

    @Override
    public void close() {
        log.close();
        ResourceLeakDetector.setLevel(before);
    }
}
