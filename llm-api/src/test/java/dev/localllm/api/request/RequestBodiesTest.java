package dev.localllm.api.request;

import static org.assertj.core.api.Assertions.assertThat;

import dev.localllm.api.RawRequest;
import dev.localllm.api.client.ClientIdentity;
import dev.localllm.api.failure.ErrorFormats;
import dev.localllm.api.failure.FailureHandler;
import dev.localllm.api.lifecycle.Drain;
import dev.localllm.api.memory.BodyBudget;
import dev.localllm.api.openai.OpenAiErrors;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.springframework.http.server.reactive.ReactorHttpHandlerAdapter;
import org.springframework.web.server.ServerWebExchange;
import org.springframework.web.server.adapter.WebHttpHandlerBuilder;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Scheduler;
import reactor.core.scheduler.Schedulers;
import reactor.netty.DisposableServer;
import reactor.netty.http.server.HttpServer;

/** Bodies on a real server with a budget of 200 KB, and half of it for one client. */
@Timeout(60)
class RequestBodiesTest {

    private static final int KB = 1024;
    private static final Duration BODY_TIMEOUT = Duration.ofSeconds(20);
    private static final Duration AWAIT_TIMEOUT = Duration.ofSeconds(10);

    private final AtomicLong uploadNanos = new AtomicLong();
    private final BodyBudget budget = new BodyBudget(200 * KB, 100 * KB, uploadNanos::get);
    private final Scheduler forLarge = Schedulers.newSingle("large");
    private final RequestBodies bodies = new RequestBodies(90 * KB, BODY_TIMEOUT, budget, forLarge);
    private final Queue<String> threads = new ConcurrentLinkedQueue<>();
    private final DisposableServer server = HttpServer.create()
            .host("127.0.0.1")
            .port(0)
            .handle(new ReactorHttpHandlerAdapter(WebHttpHandlerBuilder.webHandler(this::answer)
                    .filter(filter())
                    .build()))
            .bindNow();

    @AfterEach
    void assertEverythingIsReleased() {
        await(0);
        server.disposeNow();
        forLarge.dispose();
    }

    @Test
    void receivesABodyInOneByteChunks() throws Exception {
        try (RawRequest request = open()) {
            request.send(head("ann", "Transfer-Encoding: chunked") + "1\r\na\r\n".repeat(50 * KB) + "0\r\n\r\n");

            assertThat(request.readAll()).startsWith("HTTP/1.1 200").endsWith("bytes: " + 50 * KB);
        }
    }

    @Test
    void decodesLargeBodiesOutsideTheEventLoops() throws Exception {
        try (RawRequest request = open()) {
            assertThat(request.send(complete("ann", 1)).readAll()).startsWith("HTTP/1.1 200");
            request.clearReceived();
            assertThat(request.send(complete("ann", 64 * KB)).readAll()).startsWith("HTTP/1.1 200");
        }
        assertThat(threads).hasSize(2);
        assertThat(threads.poll()).doesNotStartWith("large");
        assertThat(threads.poll()).startsWith("large");
    }

    @Test
    void countsNoAnnouncedBytes() throws Exception {
        try (RawRequest first = open();
                RawRequest second = open();
                RawRequest third = open()) {
            first.send(head("ann", "Content-Length: " + 90 * KB));
            second.send(head("ann", "Content-Length: " + 90 * KB));

            assertThat(third.send(complete("ann", 90 * KB)).readAll()).startsWith("HTTP/1.1 200");
        }
    }

    @Test
    void abortsTheSlowestUploadAndClosesItsConnection() throws Exception {
        try (RawRequest slow = open();
                RawRequest next = open()) {
            slow.send(head("ann", "Content-Length: " + 90 * KB) + "a".repeat(80 * KB));
            await(80 * KB);
            uploadNanos.addAndGet(Duration.ofSeconds(10).toNanos());

            assertThat(next.send(complete("ann", 40 * KB)).readAll()).startsWith("HTTP/1.1 200");

            assertThat(slow.readUntil("never")).as("closed").isFalse();
            assertThat(slow.received())
                    .startsWith("HTTP/1.1 503")
                    .containsIgnoringCase("connection: close")
                    .contains("\"code\":\"overloaded\"");
        }
    }

    @Test
    void closesTheConnectionOfABodyThatIsTooLarge() throws Exception {
        for (String large : List.of(
                head("ann", "Content-Length: " + 91 * KB) + "a",
                head("ann", "Transfer-Encoding: chunked") + "4000\r\n" + "a".repeat(0x4000) + "\r\n4000\r\n"
                        + "a".repeat(0x4000) + "\r\nf000\r\n" + "a".repeat(0xf000))) {
            try (RawRequest request = open()) {
                request.send(large);

                assertThat(request.readUntil("never")).as("closed").isFalse();
                assertThat(request.received()).startsWith("HTTP/1.1 413").containsIgnoringCase("connection: close");
            }
        }
    }

    private Mono<Void> answer(ServerWebExchange exchange) {
        return bodies.receive(exchange, body -> {
            threads.add(Thread.currentThread().getName());
            byte[] text = ("bytes: " + length(body)).getBytes(StandardCharsets.UTF_8);
            exchange.getResponse().getHeaders().setContentLength(text.length);
            return exchange.getResponse()
                    .writeWith(Mono.fromSupplier(
                            () -> exchange.getResponse().bufferFactory().wrap(text)));
        });
    }

    private static int length(InputStream body) {
        try {
            return body.readAllBytes().length;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static RequestFilter filter() {
        return new RequestFilter(
                new ClientIdentity(List.of("127.0.0.0/8"), "X-Client-Id"),
                new FailureHandler(new ErrorFormats(List.of(new OpenAiErrors()))),
                new Drain(BODY_TIMEOUT, () -> {}),
                List.of(),
                () -> "id-1",
                System::nanoTime);
    }

    private RawRequest open() throws IOException {
        return RawRequest.open(URI.create("http://127.0.0.1:" + server.port()));
    }

    private static String complete(String client, int bytes) {
        return head(client, "Content-Length: " + bytes) + "a".repeat(bytes);
    }

    private static String head(String client, String header) {
        return "POST / HTTP/1.1\r\nHost: localhost\r\nX-Client-Id: " + client + "\r\n" + header + "\r\n\r\n";
    }

    private void await(long bytes) {
        long end = System.nanoTime() + AWAIT_TIMEOUT.toNanos();
        while (budget.used() != bytes) {
            assertThat(System.nanoTime()).as("%s bytes are used", budget.used()).isLessThan(end);
            Thread.onSpinWait();
        }
    }
}
