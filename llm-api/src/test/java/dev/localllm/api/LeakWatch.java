package dev.localllm.api;

import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.Level;
import io.netty.buffer.PooledByteBufAllocator;
import io.netty.util.ResourceLeakDetector;

/** Sets Netty's leak detection to paranoid while open; {@link #assertNone} fails if a buffer was not released. */
final class LeakWatch implements AutoCloseable {

    private final ResourceLeakDetector.Level before = ResourceLeakDetector.getLevel();
    private final CapturedLog log = new CapturedLog("io.netty.util.ResourceLeakDetector", Level.ERROR);

    LeakWatch() {
        ResourceLeakDetector.setLevel(ResourceLeakDetector.Level.PARANOID);
    }

    /** The detector reports lost buffers after their garbage collection, at the next allocation. */
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
