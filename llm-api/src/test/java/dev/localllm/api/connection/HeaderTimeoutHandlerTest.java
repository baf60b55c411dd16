package dev.localllm.api.connection;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.channel.embedded.EmbeddedChannel;
import io.netty.handler.codec.http.DefaultFullHttpRequest;
import io.netty.handler.codec.http.DefaultHttpRequest;
import io.netty.handler.codec.http.HttpMethod;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.HttpVersion;
import io.netty.handler.codec.http.LastHttpContent;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class HeaderTimeoutHandlerTest {

    private final EmbeddedChannel channel = new EmbeddedChannel(new HeaderTimeoutHandler(Duration.ofSeconds(10)));

    @BeforeEach
    void freeze() {
        channel.freezeTime();
    }

    @AfterEach
    void close() {
        channel.finishAndReleaseAll();
    }

    @Test
    void startsAtTheFirstByteOfTheHeaders() {
        pass(60);
        partOfHeadersArrives();
        pass(6);
        partOfHeadersArrives();
        pass(3);
        assertThat(channel.inboundMessages()).isEmpty();

        pass(1);

        HttpRequest late = channel.readInbound();
        assertThat(late.decoderResult().cause()).isInstanceOf(HeaderTimeoutHandler.HeaderTimeoutException.class);
    }

    @Test
    void restartsTheTimeForEachRequest() {
        for (int i = 0; i < 3; i++) {
            partOfHeadersArrives();
            pass(9);
            channel.writeInbound(new DefaultFullHttpRequest(HttpVersion.HTTP_1_1, HttpMethod.GET, "/"));
            pass(60);

            HttpRequest request = channel.readInbound();
            assertThat(request.decoderResult().isSuccess()).isTrue();
            assertThat(channel.inboundMessages()).isEmpty();
        }
    }

    @Test
    void doesNotLimitTheTimeOfABody() {
        channel.writeInbound(new DefaultHttpRequest(HttpVersion.HTTP_1_1, HttpMethod.POST, "/"));
        channel.pipeline().fireChannelReadComplete();
        pass(60);
        assertThat(channel.inboundMessages()).hasSize(1);

        channel.writeInbound(LastHttpContent.EMPTY_LAST_CONTENT);
        partOfHeadersArrives();
        pass(10);
        assertThat(channel.inboundMessages()).hasSize(3);
    }

    @Test
    void leavesNoTimerWhenItIsRemoved() {
        partOfHeadersArrives();
        channel.pipeline().remove(HeaderTimeoutHandler.class);

        assertThat(channel.runScheduledPendingTasks()).isEqualTo(-1);
    }

    private void partOfHeadersArrives() {
        channel.pipeline().fireChannelReadComplete();
    }

    private void pass(long seconds) {
        channel.advanceTimeBy(seconds, TimeUnit.SECONDS);
        channel.runScheduledPendingTasks();
    }
}
