package dev.localllm.api.connection;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIOException;

import dev.localllm.api.RawRequest;
import io.netty.channel.group.DefaultChannelGroup;
import io.netty.util.concurrent.GlobalEventExecutor;
import java.io.IOException;
import java.net.URI;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import reactor.core.publisher.Mono;
import reactor.netty.DisposableServer;
import reactor.netty.NettyPipeline;
import reactor.netty.http.server.HttpServer;

/** Of a server that answers before it has the body, and closes. */
@Timeout(60)
class LingeringCloseHandlerTest {

    private static final Duration PATIENCE = Duration.ofSeconds(10);
    private static final String REQUEST = "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000000\r\n\r\n";
    private static final String PIECE = "a".repeat(64 << 10);

    @Test
    void closesEntirelyWhenTheBodyIsOver() throws Exception {
        DisposableServer server = server(Duration.ofHours(1));
        try (RawRequest request = open(server)) {
            request.send(REQUEST.replace("1000000000", "10")).readAll();

            request.send("0123456789");

            awaitBreak(request);
        } finally {
            server.disposeNow(PATIENCE);
        }
    }

    @Test
    void closesEntirelyWhenTheTimeIsOver() throws Exception {
        DisposableServer server = server(Duration.ofMillis(200));
        try (RawRequest request = open(server)) {
            request.send(REQUEST);

            awaitBreak(request);
        } finally {
            server.disposeNow(PATIENCE);
        }
    }

    @Test
    void holdsUpNoServerThatStops() throws Exception {
        DisposableServer server = server(Duration.ofHours(1));
        try (RawRequest request = open(server)) {
            request.send(REQUEST);
            assertThat(request.readUntil("never")).as("closed").isFalse();

            server.disposeNow(PATIENCE);

            awaitBreak(request);
        }
    }

    /** A client that goes on writing notices in the end. */
    private static void awaitBreak(RawRequest request) {
        long end = System.nanoTime() + PATIENCE.toNanos();
        assertThatIOException().isThrownBy(() -> {
            while (System.nanoTime() < end) {
                request.send(PIECE);
            }
        });
    }

    private static RawRequest open(DisposableServer server) throws IOException {
        return RawRequest.open(URI.create("http://127.0.0.1:" + server.port()));
    }

    private static DisposableServer server(Duration maxTime) {
        return HttpServer.create()
                .host("127.0.0.1")
                .port(0)
                .channelGroup(new DefaultChannelGroup(GlobalEventExecutor.INSTANCE))
                .doOnChannelInit((observer, channel, address) -> channel.pipeline()
                        .addBefore(NettyPipeline.HttpTrafficHandler, null, new LingeringCloseHandler(maxTime)))
                .handle((request, response) ->
                        response.status(413).header("Connection", "close").sendString(Mono.just("too large")))
                .bindNow();
    }
}
