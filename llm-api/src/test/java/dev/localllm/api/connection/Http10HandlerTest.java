package dev.localllm.api.connection;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.channel.embedded.EmbeddedChannel;
import io.netty.handler.codec.http.DefaultHttpRequest;
import io.netty.handler.codec.http.DefaultHttpResponse;
import io.netty.handler.codec.http.HttpMethod;
import io.netty.handler.codec.http.HttpResponse;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.handler.codec.http.HttpUtil;
import io.netty.handler.codec.http.HttpVersion;
import io.netty.handler.codec.http.LastHttpContent;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class Http10HandlerTest {

    private final EmbeddedChannel channel = new EmbeddedChannel(new Http10Handler());

    @AfterEach
    void close() {
        channel.finishAndReleaseAll();
    }

    @ParameterizedTest
    @CsvSource({"HTTP/1.0, true, true", "HTTP/1.0, false, false", "HTTP/1.1, true, false"})
    void endsABodyOfUnknownLengthByClosing(String version, boolean chunked, boolean closes) {
        HttpResponse response = new DefaultHttpResponse(HttpVersion.HTTP_1_1, HttpResponseStatus.OK);
        HttpUtil.setTransferEncodingChunked(response, chunked);

        channel.writeInbound(new DefaultHttpRequest(HttpVersion.valueOf(version), HttpMethod.GET, "/"));
        assertThat(channel.inboundMessages()).hasSize(1);
        channel.writeOutbound(response);

        assertThat(channel.isOpen()).isTrue();
        assertThat(HttpUtil.isTransferEncodingChunked(response)).isEqualTo(chunked && !closes);
        assertThat(response.headers().contains("connection", "close", true)).isEqualTo(closes);
        channel.writeOutbound(LastHttpContent.EMPTY_LAST_CONTENT);
        assertThat(channel.outboundMessages()).hasSize(2);
        assertThat(channel.isOpen()).isEqualTo(!closes);
    }
}
