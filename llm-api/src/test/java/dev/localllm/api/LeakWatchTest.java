package dev.localllm.api;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import org.junit.jupiter.api.Test;

/** Leaks are detected. */
class LeakWatchTest {

    @Test
    void detectsABufferThatWasNotReleased() {
        try (LeakWatch leaks = new LeakWatch()) {
            for (int i = 0; i < 10; i++) {
                ByteBufAllocator.DEFAULT.buffer(100);
            }
            assertThatThrownBy(leaks::assertNone).isInstanceOf(AssertionError.class);
        }
    }

    @Test
    void detectsASliceThatWasNotReleased() {
        try (LeakWatch leaks = new LeakWatch()) {
            for (int i = 0; i < 10; i++) {
                ByteBuf buffer = ByteBufAllocator.DEFAULT.directBuffer(100).writeZero(100);
                buffer.readRetainedSlice(10);
                buffer.release();
            }
            assertThatThrownBy(leaks::assertNone).isInstanceOf(AssertionError.class);
        }
    }
}
