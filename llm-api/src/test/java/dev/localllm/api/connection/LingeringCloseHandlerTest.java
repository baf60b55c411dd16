package dev.localllm.api.connection;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIOException;

import dev.localllm.api.RawRequest;
import io.netty.channel.Channel;
import io.netty.channel.group.DefaultChannelGroup;
import io.netty.handler.codec.http.HttpMethod;
import io.netty.util.concurrent.GlobalEventExecutor;
import java.io.IOException;
import java.net.URI;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.BiFunction;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.reactivestreams.Publisher;
import reactor.core.publisher.Mono;
import reactor.netty.DisposableServer;
import reactor.netty.NettyPipeline;
import reactor.netty.http.server.HttpServer;
import reactor.netty.http.server.HttpServerRequest;
import reactor.netty.http.server.HttpServerResponse;

/** A server that responds and closes before it has received the body. */
@Timeout(60)
class LingeringCloseHandlerTest {

    private static final Duration TIMEOUT = Duration.ofSeconds(10);
    private static final String REQUEST = "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000000\r\n\r\n";
    private static final String PIECE = "a".repeat(64 << 10);

    @Test
    void closesWhenTheBodyHasEnded() throws Exception {
        DisposableServer server = server(Duration.ofHours(1));
        try (RawRequest request = open(server)) {
            request.send(REQUEST.replace("1000000000", "10")).readAll();

            request.send("0123456789");

            awaitBreak(request);
        } finally {
            server.disposeNow(TIMEOUT);
        }
    }

    @Test
    void closesAfterTheMaximumTime() throws Exception {
        DisposableServer server = server(Duration.ofMillis(200));
        try (RawRequest request = open(server)) {
            request.send(REQUEST);

            awaitBreak(request);
        } finally {
            server.disposeNow(TIMEOUT);
        }
    }

    @Test
    void doesNotDelayAServerThatStops() throws Exception {
        DisposableServer server = server(Duration.ofHours(1));
        try (RawRequest request = open(server)) {
            request.send(REQUEST);
            assertThat(request.readUntil("never")).as("closed").isFalse();

            server.disposeNow(TIMEOUT);

            awaitBreak(request);
        }
    }

    @Test
    void closesAtOnceWhileAResponseIsPending() throws Exception {
        CompletableFuture<Channel> unanswered = new CompletableFuture<>();
        DisposableServer server = server(Duration.ofHours(1), (request, response) -> {
            if (request.method().equals(HttpMethod.GET)) {
                return response.sendString(Mono.just("there"));
            }
            request.withConnection(connection -> unanswered.complete(connection.channel()));
            return Mono.never();
        });
        try (RawRequest request = open(server)) {
            request.send("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n").readUntil("there");
            request.send(REQUEST);

            Channel channel = unanswered.get(TIMEOUT.toSeconds(), TimeUnit.SECONDS);
            assertThat(channel.close().await(TIMEOUT.toMillis())).isTrue();
        } finally {
            server.disposeNow(TIMEOUT);
        }
    }

    /** Writes until the client notices the closed connection. */
    private static void awaitBreak(RawRequest request) {
        long end = System.nanoTime() + TIMEOUT.toNanos();
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
        return server(
                maxTime,
                (request, response) ->
                        response.status(413).header("Connection", "close").sendString(Mono.just("too large")));
    }

    private static DisposableServer server(
            Duration maxTime, BiFunction<HttpServerRequest, HttpServerResponse, Publisher<Void>> handler) {
        return HttpServer.create()
                .host("127.0.0.1")
                .port(0)
                .channelGroup(new DefaultChannelGroup(GlobalEventExecutor.INSTANCE))
                .doOnChannelInit((observer, channel, address) -> channel.pipeline()
                        .addBefore(NettyPipeline.HttpTrafficHandler, null, new LingeringCloseHandler(maxTime)))
                .handle(handler)
                .bindNow();
    }
}
