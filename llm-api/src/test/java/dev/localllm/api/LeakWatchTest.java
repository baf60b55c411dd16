package dev.localllm.api;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import org.junit.jupiter.api.Test;

/** That a leak is seen at all. */
class LeakWatchTest {

    @Test
    void seesWhatWasNotReleased() {
        try (LeakWatch leaks = new LeakWatch()) {
            for (int i = 0; i < 10; i++) {
                ByteBufAllocator.DEFAULT.buffer(100);
            }
            assertThatThrownBy(leaks::assertNone).isInstanceOf(AssertionError.class);
        }
    }

    @Test
    void seesASliceThatWasNotReleased() {
        try (LeakWatch leaks = new LeakWatch()) {
            for (int i = 0; i < 10; i++) {
                ByteBuf whole = ByteBufAllocator.DEFAULT.directBuffer(100).writeZero(100);
                whole.readRetainedSlice(10);
                whole.release();
            }
            assertThatThrownBy(leaks::assertNone).isInstanceOf(AssertionError.class);
        }
    }
}
