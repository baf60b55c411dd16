package dev.localllm.api.stream;

import static org.assertj.core.api.Assertions.assertThat;

import dev.localllm.api.client.ClientIdentity;
import dev.localllm.api.failure.ErrorFormats;
import dev.localllm.api.failure.FailureHandler;
import dev.localllm.api.failure.LineErrors;
import dev.localllm.api.lifecycle.Drain;
import dev.localllm.api.memory.ByteBudget;
import dev.localllm.api.openai.OpenAiErrors;
import dev.localllm.api.request.RequestEnd;
import dev.localllm.api.request.RequestFilter;
import dev.localllm.core.chat.ChatEvent;
import dev.localllm.core.chat.ChatEvent.Finished;
import dev.localllm.core.chat.ChatEvent.TextDelta;
import dev.localllm.core.chat.FinishReason;
import dev.localllm.core.chat.JsonText;
import dev.localllm.core.chat.Timings;
import dev.localllm.core.chat.Usage;
import dev.localllm.core.failure.LlmException;
import dev.localllm.core.failure.LlmFailure.UpstreamFailed;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.springframework.http.server.reactive.ReactorHttpHandlerAdapter;
import org.springframework.web.server.ServerWebExchange;
import org.springframework.web.server.adapter.WebHttpHandlerBuilder;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.netty.DisposableServer;
import reactor.netty.http.server.HttpServer;

/** A wire on a real server that brings no more than an encoder and an error format of its own. */
class SecondWireTest {

    private static final Duration PATIENCE = Duration.ofSeconds(10);
    private static final Flux<List<ChatEvent>> TEXT = Flux.just(List.of(new TextDelta(JsonText.of("a"))));
    private static final Flux<List<ChatEvent>> END =
            Flux.just(List.of(new Finished(FinishReason.STOP, new Usage(1, null, 1), Timings.ZERO)));
    private static final Flux<List<ChatEvent>> FAILURE = Flux.error(new LlmException(new UpstreamFailed("no")));

    private final BlockingQueue<RequestEnd> ends = new LinkedBlockingQueue<>();
    private final AnswerStream answers = new AnswerStream(
            new Timeouts(PATIENCE, PATIENCE, PATIENCE, Mono.never()), new ReadAhead(1000, new ByteBudget(10_000)));
    private final DisposableServer server = HttpServer.create()
            .host("127.0.0.1")
            .port(0)
            .handle(new ReactorHttpHandlerAdapter(WebHttpHandlerBuilder.webHandler(this::answer)
                    .filter(new RequestFilter(
                            new ClientIdentity(List.of(), "X-Client-Id"),
                            new FailureHandler(new ErrorFormats(List.of(new LineErrors(), new OpenAiErrors()))),
                            new Drain(PATIENCE),
                            List.of(ends::add),
                            () -> "id-1",
                            System::nanoTime))
                    .build()))
            .bindNow();

    @AfterEach
    void stop() {
        server.disposeNow();
    }

    @Test
    void streamsInItsFormat() throws Exception {
        HttpResponse<String> response = get("/lines/text/end");

        assertThat(response.statusCode()).isEqualTo(200);
        assertThat(response.headers().firstValue("Content-Type")).contains("application/x-ndjson");
        assertThat(response.headers().firstValue("Cache-Control")).contains("no-cache");
        assertThat(response.body()).isEqualTo("{\"text\":\"a\"}\n{\"done\":true}\n");
    }

    @Test
    void tellsFailuresOfAStreamInItsFormat() throws Exception {
        HttpResponse<String> response = get("/lines/text/failure");

        assertThat(response.statusCode()).isEqualTo(200);
        assertThat(response.body()).isEqualTo("{\"text\":\"a\"}\n{\"error\":\"upstream_failed\"}\n");
        assertThat(end()).isEqualTo("upstream_failed");
    }

    @Test
    void answersEarlierFailuresInItsErrorFormat() throws Exception {
        HttpResponse<String> response = get("/lines/failure");

        assertThat(response.statusCode()).isEqualTo(502);
        assertThat(response.headers().firstValue("Content-Type")).contains("application/json");
        assertThat(response.body()).isEqualTo("{\"failed\":\"upstream_failed\"}");
        assertThat(end()).isEqualTo("upstream_failed");
    }

    /** What the path says, in its order. */
    private Mono<Void> answer(ServerWebExchange exchange) {
        String path = exchange.getRequest().getPath().value();
        Flux<List<ChatEvent>> events = Flux.fromArray(path.split("/", -1)).concatMap(step -> switch (step) {
            case "text" -> TEXT;
            case "end" -> END;
            case "failure" -> FAILURE;
            default -> Flux.empty();
        });
        return answers.write(events, new NdjsonEncoder(exchange.getResponse().bufferFactory(), null), exchange);
    }

    private HttpResponse<String> get(String path) throws Exception {
        try (HttpClient client = HttpClient.newHttpClient()) {
            return client.send(
                    HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + server.port() + path))
                            .timeout(PATIENCE)
                            .build(),
                    HttpResponse.BodyHandlers.ofString());
        }
    }

    private @Nullable String end() throws InterruptedException {
        RequestEnd end = ends.poll(PATIENCE.toSeconds(), TimeUnit.SECONDS);
        return end == null ? null : end.end();
    }
}
