package dev.localllm.api.connection;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelOutboundBuffer;
import io.netty.channel.embedded.EmbeddedChannel;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** A client that takes exactly as many bytes as the test says. */
class WriteStallHandlerTest {

    private final SlowClient channel = new SlowClient();

    @BeforeEach
    void stopTheClock() {
        channel.freezeTime();
    }

    @AfterEach
    void close() {
        channel.finishAndReleaseAll();
    }

    @Test
    void closesTheConnectionOfAClientThatReadsNothing() {
        send(100);
        pass(9_999);
        send(100);
        assertThat(channel.isOpen()).isTrue();

        pass(1);

        assertThat(channel.isOpen()).isFalse();
    }

    @Test
    void givesAReadingClientMoreTime() {
        send(100);
        for (int i = 0; i < 5; i++) {
            pass(9_999);
            channel.take(1);
            pass(1);
            assertThat(channel.isOpen()).isTrue();
        }
        pass(10_000);
        assertThat(channel.isOpen()).isFalse();
    }

    @Test
    void countsAnEntireMessageAsProgress() {
        send(100);
        send(100);
        channel.take(100);
        pass(10_000);
        assertThat(channel.isOpen()).isTrue();

        pass(10_000);
        assertThat(channel.isOpen()).isFalse();
    }

    @Test
    void runsNoTimerWhileNothingWaits() {
        send(100);
        channel.take(100);
        pass(10_000);

        assertThat(channel.runScheduledPendingTasks()).isEqualTo(-1);
        pass(60_000);
        send(100);
        pass(9_999);
        assertThat(channel.isOpen()).isTrue();
        pass(1);
        assertThat(channel.isOpen()).isFalse();
    }

    @Test
    void leavesNoTimerWhenTheConnectionCloses() {
        send(100);
        channel.close().syncUninterruptibly();

        assertThat(channel.runScheduledPendingTasks()).isEqualTo(-1);
    }

    @SuppressWarnings("FutureReturnValueIgnored") // the client may never take them
    private void send(int bytes) {
        channel.writeAndFlush(Unpooled.wrappedBuffer(new byte[bytes]));
    }

    private void pass(long millis) {
        channel.advanceTimeBy(millis, TimeUnit.MILLISECONDS);
        channel.runScheduledPendingTasks();
    }

    private static final class SlowClient extends EmbeddedChannel {

        SlowClient() {
            super(new WriteStallHandler(Duration.ofSeconds(10)));
        }

        /** Takes bytes that wait: they are the bytes of the first message. */
        void take(int bytes) {
            ChannelOutboundBuffer waiting = unsafe().outboundBuffer();
            waiting.progress(bytes);
            if (waiting.currentProgress() == 100) {
                waiting.remove();
            }
        }

        @Override
        protected void doWrite(ChannelOutboundBuffer waiting) {
            // the socket's buffer is full
        }
    }
}
