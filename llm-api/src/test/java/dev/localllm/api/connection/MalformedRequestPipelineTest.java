package dev.localllm.api.connection;

import static org.assertj.core.api.Assertions.assertThat;

import dev.localllm.api.failure.ErrorFormats;
import dev.localllm.api.failure.FailureResponse;
import dev.localllm.api.failure.LineErrors;
import dev.localllm.api.openai.OpenAiErrors;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.embedded.EmbeddedChannel;
import io.netty.handler.codec.http.DefaultFullHttpResponse;
import io.netty.handler.codec.http.FullHttpResponse;
import io.netty.handler.codec.http.HttpContent;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.handler.codec.http.HttpServerCodec;
import io.netty.handler.codec.http.HttpVersion;
import io.netty.handler.codec.http.LastHttpContent;
import io.netty.util.ReferenceCountUtil;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The handler between Netty's codec and a test that plays the web server. */
class MalformedRequestPipelineTest {

    private static final String GET = "GET /v1/models HTTP/1.1\r\nHost: localhost\r\n\r\n";
    private static final String CHUNKED =
            "POST /v1/chat HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n";
    private static final String POST_20000 =
            "POST /v1/chat HTTP/1.1\r\nHost: localhost\r\nContent-Length: 20000\r\n\r\n";
    private static final String GARBAGE = "garbage\r\n\r\n";

    private final EmbeddedChannel channel = new EmbeddedChannel(
            new HttpServerCodec(),
            new HeaderTimeoutHandler(Duration.ofSeconds(10)),
            new MalformedRequestHandler(new ErrorFormats(List.of(new LineErrors(), new OpenAiErrors())), () -> "id-1"));

    @BeforeEach
    void stopTheClock() {
        channel.freezeTime();
    }

    @AfterEach
    void close() {
        channel.finishAndReleaseAll();
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "400 | not valid HTTP/1.1 | garbage",
                "400 | not valid HTTP/1.1 | GET / HTTP/2.0~Host: a",
                "400 | exactly one Host | GET / HTTP/1.1",
                "400 | exactly one Host | GET / HTTP/1.1~Host: a~Host: a",
                "400 | not chunked | POST / HTTP/1.1~Host: a~Transfer-Encoding: gzip, chunked",
                "400 | not chunked | POST / HTTP/1.1~Host: a~Transfer-Encoding: gzip~Transfer-Encoding: chunked",
                "400 | not a valid URI | GET /a%zz HTTP/1.1~Host: a",
                "400 | not valid HTTP/1.1 | GET  HTTP/1.1~Host: a",
                "414 | path is too long | GET /LONG HTTP/1.1~Host: a",
                "431 | headers are too large | GET / HTTP/1.1~Host: a~X: LONG"
            })
    void refusesAMalformedRequestAndCloses(String status, String message, String request) {
        receive(request.replace("~", "\r\n").replace("LONG", "a".repeat(20_000)) + "\r\n\r\n");

        String[] refusal = sent().split("\r\n\r\n", 2);
        assertThat(refusal[0])
                .startsWith("HTTP/1.1 " + status)
                .contains("x-request-id: id-1", "content-type: application/json", "connection: close")
                .contains("content-length: " + refusal[1].length());
        assertThat(refusal[1]).startsWith("{\"error\":").contains(message);
        assertThat(received()).isEmpty();
        assertThat(channel.isOpen()).isFalse();
    }

    @ParameterizedTest
    @ValueSource(strings = {GET, CHUNKED, "GET / HTTP/1.0\r\n\r\n", POST_20000})
    void forwardsAValidRequest(String request) {
        receive(request);

        assertThat(received()).startsWith("request");
        assertThat(sent()).isEmpty();
        assertThat(channel.isOpen()).isTrue();
    }

    @Test
    void usesTheWireOfTheRequestBefore() {
        receive("GET /lines/a HTTP/1.1\r\nHost: localhost\r\n\r\n");
        respond(200);
        assertThat(sent()).startsWith("HTTP/1.1 200").contains("x-request-id: own");

        receive(GARBAGE);

        assertThat(sent()).startsWith("HTTP/1.1 400").endsWith("{\"failed\":\"invalid_request\"}");
    }

    @Test
    void mixesNoRefusalIntoAPendingResponse() {
        receive(GET + GARBAGE + GET);

        assertThat(received()).isEqualTo("request end ");
        assertThat(sent()).isEmpty();
        assertThat(channel.isOpen()).isFalse();
    }

    @Test
    void makesATruncatedBodyInvalidAndClosesAfterItsResponse() {
        receive(CHUNKED + "2\r\n{}\r\n" + "zz\r\n" + GET);

        assertThat(received()).isEqualTo("request 2 bytes end of 1 bytes ");
        assertThat(channel.isOpen()).isTrue();
        respond(400);
        assertThat(sent()).contains("x-request-id: own", "connection: close");
        assertThat(channel.isOpen()).isFalse();
    }

    @Test
    void closesIfTheSecondOfTwoBodiesIsTruncated() {
        receive(GET + CHUNKED + "zz\r\n");

        assertThat(received()).isEqualTo("request end request ");
        assertThat(channel.isOpen()).isFalse();
    }

    @Test
    void ignoresAHeaderTimeoutWhileAResponseIsPending() {
        receive(GET);
        received();
        receive("\r\n");
        pass(10);
        assertThat(received()).isEmpty();
        assertThat(channel.isOpen()).isTrue();

        respond(200);
        assertThat(sent()).startsWith("HTTP/1.1 200").doesNotContain("close");
        receive("GET");
        pass(10);
        assertThat(sent()).startsWith("HTTP/1.1 408").contains("HEADER_TIMEOUT");
    }

    @Test
    void limitsTheBodiesOfPipelinedRequests() {
        receive(GET + POST_20000);
        receive("a".repeat(16 << 10));
        assertThat(channel.isOpen()).isTrue();

        receive("a");

        assertThat(channel.isOpen()).isFalse();
        assertThat(sent()).isEmpty();
    }

    @Test
    void countsOnlyTheBodiesThatWait() {
        receive(POST_20000 + "a".repeat(19_999));
        assertThat(channel.isOpen()).isTrue();
        receive("a" + POST_20000 + "a".repeat(16 << 10));
        respond(200);
        receive("a".repeat(3_000));

        assertThat(channel.isOpen()).isTrue();
    }

    @Test
    void doesNotCount100ContinueAsAResponse() {
        receive(CHUNKED);
        received();
        channel.writeOutbound(new DefaultFullHttpResponse(HttpVersion.HTTP_1_1, HttpResponseStatus.CONTINUE));
        assertThat(sent()).isEqualTo("HTTP/1.1 100 Continue\r\n\r\n");

        receive("zz\r\n");

        assertThat(received()).isEqualTo("end of 1 bytes ");
        assertThat(channel.isOpen()).isTrue();
    }

    /** reactor-netty refuses an invalid host with an empty response. */
    @Test
    void addsABodyToARefusalOfTheWebServer() {
        receive(GET);
        FullHttpResponse empty =
                new DefaultFullHttpResponse(HttpVersion.HTTP_1_1, HttpResponseStatus.BAD_REQUEST, Unpooled.buffer());
        channel.writeOutbound(empty);

        assertThat(sent()).startsWith("HTTP/1.1 400").contains("x-request-id: id-1", "not valid HTTP/1.1");
        assertThat(empty.refCnt()).isZero();
    }

    private void receive(String bytes) {
        if (channel.isOpen()) {
            channel.writeInbound(Unpooled.copiedBuffer(bytes, StandardCharsets.ISO_8859_1));
        }
    }

    private void respond(int status) {
        FullHttpResponse response =
                new DefaultFullHttpResponse(HttpVersion.HTTP_1_1, HttpResponseStatus.valueOf(status));
        response.headers().set(FailureResponse.REQUEST_ID, "own").set("content-length", 0);
        channel.writeOutbound(response);
    }

    private void pass(long seconds) {
        channel.advanceTimeBy(seconds, TimeUnit.SECONDS);
        channel.runScheduledPendingTasks();
    }

    /** What the web server has received since the last call. */
    private String received() {
        StringBuilder messages = new StringBuilder();
        for (Object message = channel.readInbound(); message != null; message = channel.readInbound()) {
            messages.append(
                    switch (message) {
                        case HttpRequest request -> "request ";
                        case LastHttpContent end when !end.content().isReadable() -> "end ";
                        case LastHttpContent end -> "end of " + end.content().readableBytes() + " bytes ";
                        case HttpContent chunk -> chunk.content().readableBytes() + " bytes ";
                        default -> message + " ";
                    });
            ReferenceCountUtil.release(message);
        }
        return messages.toString();
    }

    /** What the client has received since the last call. */
    private String sent() {
        StringBuilder bytes = new StringBuilder();
        for (ByteBuf part = channel.readOutbound(); part != null; part = channel.readOutbound()) {
            bytes.append(part.toString(StandardCharsets.UTF_8));
            part.release();
        }
        return bytes.toString();
    }
}
