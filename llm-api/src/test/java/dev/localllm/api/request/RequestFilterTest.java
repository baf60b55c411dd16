package dev.localllm.api.request;

import static org.assertj.core.api.Assertions.assertThat;

import dev.localllm.api.client.ClientIdentity;
import dev.localllm.api.failure.ErrorFormats;
import dev.localllm.api.failure.FailureHandler;
import dev.localllm.api.lifecycle.Drain;
import dev.localllm.api.openai.OpenAiErrors;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.springframework.http.server.reactive.ReactorHttpHandlerAdapter;
import org.springframework.web.server.adapter.WebHttpHandlerBuilder;
import reactor.core.publisher.Mono;
import reactor.netty.DisposableServer;
import reactor.netty.http.server.HttpServer;

class RequestFilterTest {

    private static final Duration TIMEOUT = Duration.ofSeconds(30);

    private final BlockingQueue<RequestEnd> ends = new LinkedBlockingQueue<>();

    /** The fault has the message by which Spring recognises a disconnected client. */
    @Test
    void respondsToAFaultThatLooksLikeADisconnect() throws Exception {
        DisposableServer server = serverThatFailsWith(new IOException("Connection reset by peer"));
        try (HttpClient client = HttpClient.newHttpClient()) {
            HttpRequest request = HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + server.port() + "/"))
                    .timeout(TIMEOUT)
                    .build();

            HttpResponse<String> response = client.send(request, HttpResponse.BodyHandlers.ofString());

            assertThat(response.statusCode()).isEqualTo(500);
            assertThat(response.body())
                    .contains("internal_error", "(request id-1)")
                    .doesNotContain("peer");
            RequestEnd end = ends.poll(TIMEOUT.toSeconds(), TimeUnit.SECONDS);
            assertThat(end).isNotNull();
            assertThat(end.id()).isEqualTo("id-1");
            assertThat(end.method() + " " + end.path()).isEqualTo("GET /");
            assertThat(end.status()).isEqualTo(500);
            assertThat(end.end()).isEqualTo("internal_error");
            assertThat(end.untilResolved()).as("no model was resolved").isNull();
        } finally {
            server.disposeNow();
        }
        assertThat(ends).as("one end for each listener").isEmpty();
    }

    private DisposableServer serverThatFailsWith(Exception fault) {
        RequestFilter filter = new RequestFilter(
                new ClientIdentity(List.of(), "X-Client-Id"),
                new FailureHandler(new ErrorFormats(List.of(new OpenAiErrors()))),
                new Drain(TIMEOUT, () -> {}),
                List.of(
                        end -> {
                            throw new IllegalStateException("a listener that fails");
                        },
                        ends::add),
                () -> "id-1",
                System::nanoTime);
        return HttpServer.create()
                .host("127.0.0.1")
                .port(0)
                .handle(new ReactorHttpHandlerAdapter(WebHttpHandlerBuilder.webHandler(exchange -> Mono.error(fault))
                        .filter(filter)
                        .build()))
                .bindNow();
    }
}
