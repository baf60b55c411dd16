package dev.localllm.api.connection;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.buffer.Unpooled;
import io.netty.channel.embedded.EmbeddedChannel;
import io.netty.handler.codec.http.DefaultHttpContent;
import io.netty.handler.codec.http.DefaultHttpRequest;
import io.netty.handler.codec.http.HttpMethod;
import io.netty.handler.codec.http.HttpVersion;
import io.netty.handler.codec.http.LastHttpContent;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class SmallChunkHandlerTest {

    private final EmbeddedChannel channel = new EmbeddedChannel(new SmallChunkHandler());

    @BeforeEach
    void freeze() {
        channel.freezeTime();
    }

    @AfterEach
    void close() {
        channel.finishAndReleaseAll();
    }

    @Test
    void doesNotPauseForLargeChunks() {
        arrive(1000, 64);

        assertThat(channel.config().isAutoRead()).isTrue();
    }

    @Test
    void doesNotPauseForAFewSmallChunks() {
        arrive(64, 1);

        assertThat(channel.config().isAutoRead()).isTrue();
    }

    @Test
    void pausesForManySmallChunks() {
        arrive(1000, 63);
        assertThat(channel.config().isAutoRead()).isFalse();

        channel.advanceTimeBy(8 * 1000 - 1, TimeUnit.MICROSECONDS);
        channel.runScheduledPendingTasks();
        assertThat(channel.config().isAutoRead()).isFalse();

        channel.advanceTimeBy(1, TimeUnit.MICROSECONDS);
        channel.runScheduledPendingTasks();
        assertThat(channel.config().isAutoRead()).isTrue();
    }

    @Test
    void doesNotStartReadingIfNobodyReads() {
        channel.config().setAutoRead(false);
        arrive(1000, 1);

        channel.advanceTimeBy(1, TimeUnit.SECONDS);
        channel.runScheduledPendingTasks();

        assertThat(channel.config().isAutoRead()).isFalse();
    }

    @Test
    void doesNotPauseAfterTheEndOfABody() {
        channel.pipeline().fireChannelRead(LastHttpContent.EMPTY_LAST_CONTENT);
        chunks(1000, 1);
        channel.pipeline().fireChannelRead(LastHttpContent.EMPTY_LAST_CONTENT);
        channel.pipeline().fireChannelReadComplete();

        assertThat(channel.config().isAutoRead()).isTrue();
    }

    private void arrive(int chunks, int bytes) {
        channel.pipeline().fireChannelRead(new DefaultHttpRequest(HttpVersion.HTTP_1_1, HttpMethod.POST, "/"));
        chunks(chunks, bytes);
        channel.pipeline().fireChannelReadComplete();
    }

    private void chunks(int chunks, int bytes) {
        for (int i = 0; i < chunks; i++) {
            channel.pipeline().fireChannelRead(new DefaultHttpContent(Unpooled.wrappedBuffer(new byte[bytes])));
        }
    }
}
