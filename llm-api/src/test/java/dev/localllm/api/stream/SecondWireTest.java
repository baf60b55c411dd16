package dev.localllm.api.stream;

import static org.assertj.core.api.Assertions.assertThat;

import dev.localllm.api.FakeQueued;
import dev.localllm.api.RawRequest;
import dev.localllm.api.client.ClientIdentity;
import dev.localllm.api.failure.ErrorFormats;
import dev.localllm.api.failure.FailureHandler;
import dev.localllm.api.failure.LineErrors;
import dev.localllm.api.lifecycle.Drain;
import dev.localllm.api.memory.ByteBudget;
import dev.localllm.api.openai.OpenAiErrors;
import dev.localllm.api.request.RequestEnd;
import dev.localllm.api.request.RequestFilter;
import dev.localllm.core.catalog.ModelId;
import dev.localllm.core.chat.ChatEvent;
import dev.localllm.core.chat.ChatEvent.Finished;
import dev.localllm.core.chat.ChatEvent.TextDelta;
import dev.localllm.core.chat.ChatResponder;
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
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.http.server.reactive.ReactorHttpHandlerAdapter;
import org.springframework.web.server.ServerWebExchange;
import org.springframework.web.server.adapter.WebHttpHandlerBuilder;
import reactor.core.Disposables;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.netty.DisposableServer;
import reactor.netty.http.server.HttpServer;

/** A second wire on a real server, with only two encoders and an error format. */
@Timeout(60)
class SecondWireTest {

    private static final Duration TIMEOUT = Duration.ofSeconds(10);
    private static final Timeouts TIMEOUTS =
            new Timeouts(TIMEOUT, TIMEOUT, TIMEOUT, listener -> Disposables.disposed());
    private static final Timeouts SHORT_TIMEOUT =
            new Timeouts(TIMEOUT, Duration.ofMillis(50), TIMEOUT, listener -> Disposables.disposed());
    private static final ModelId MODEL = new ModelId("tiny");
    private static final Flux<List<ChatEvent>> TEXT = Flux.just(List.of(new TextDelta(JsonText.of("a"))));
    private static final Flux<List<ChatEvent>> END =
            Flux.just(List.of(new Finished(FinishReason.STOP, new Usage(1, null, 1), Timings.ZERO)));
    private static final Flux<List<ChatEvent>> FAILURE = Flux.error(new LlmException(new UpstreamFailed("no")));

    private final BlockingQueue<RequestEnd> ends = new LinkedBlockingQueue<>();
    private final AnswerStream streams = new AnswerStream(TIMEOUTS, new ReadAhead(1000, new ByteBudget(10_000)));
    private final ByteBudget budget = new ByteBudget(100);
    private final CountDownLatch cancelled = new CountDownLatch(1);
    private final DisposableServer server = HttpServer.create()
            .host("127.0.0.1")
            .port(0)
            .handle(new ReactorHttpHandlerAdapter(WebHttpHandlerBuilder.webHandler(this::answer)
                    .filter(new RequestFilter(
                            new ClientIdentity(List.of(), "X-Client-Id"),
                            new FailureHandler(new ErrorFormats(List.of(new LineErrors(), new OpenAiErrors()))),
                            new Drain(TIMEOUT, () -> {}),
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
    void sendsFailuresOfAStreamInItsFormat() throws Exception {
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

    @Test
    void respondsNonStreamingInItsFormat() throws Exception {
        HttpResponse<String> response = get("/lines/body/text/text/end");

        assertThat(response.statusCode()).isEqualTo(200);
        assertThat(response.headers().firstValue("Content-Type")).contains("application/problem+json");
        assertThat(response.body()).isEqualTo("[{\"text\":\"a\"},{\"text\":\"a\"},{\"done\":true}]");
        assertThat(response.headers().firstValueAsLong("Content-Length"))
                .hasValue(response.body().length());
        assertThat(end()).isEqualTo("done");
    }

    @Test
    void sendsFailuresOfANonStreamingResponseInItsErrorFormat() throws Exception {
        HttpResponse<String> response = get("/lines/body/text/failure");

        assertThat(response.statusCode()).isEqualTo(502);
        assertThat(response.headers().firstValue("Content-Type")).contains("application/json");
        assertThat(response.body()).isEqualTo("{\"failed\":\"upstream_failed\"}");
        assertThat(end()).isEqualTo("upstream_failed");
        awaitBudget(0);
    }

    @Test
    void collectsWithinABudget() throws Exception {
        budget.take(99);
        HttpResponse<String> refused = get("/lines/body/text/end");

        assertThat(refused.statusCode()).isEqualTo(503);
        assertThat(refused.body()).isEqualTo("{\"failed\":\"overloaded\"}");
        assertThat(end()).isEqualTo("overloaded");

        budget.release(99);
        assertThat(get("/lines/body/text/end").statusCode()).isEqualTo(200);
        awaitBudget(0);
    }

    @Test
    void collectsWithinATimeout() throws Exception {
        HttpResponse<String> response = get("/lines/late/text/never");

        assertThat(response.statusCode()).isEqualTo(504);
        assertThat(response.body()).isEqualTo("{\"failed\":\"total_timeout\"}");
        assertThat(end()).isEqualTo("total_timeout");
        assertThat(cancelled.await(TIMEOUT.toSeconds(), TimeUnit.SECONDS)).isTrue();
        awaitBudget(0);
    }

    @Test
    void cancelsANonStreamingResponseWhenItsClientLeaves() throws Exception {
        try (RawRequest request = RawRequest.open(URI.create("http://127.0.0.1:" + server.port()))) {
            request.send("GET /lines/body/text/never HTTP/1.1\r\nHost: localhost\r\n\r\n");
            awaitBudget("{'text':'a'}".length());
        }

        assertThat(cancelled.await(TIMEOUT.toSeconds(), TimeUnit.SECONDS)).isTrue();
        assertThat(end()).isEqualTo("client_gone");
        awaitBudget(0);
    }

    @ParameterizedTest
    @ValueSource(strings = {"/lines/text/end", "/lines/body/text/end"})
    void isRecordedForEveryKindOfResponse(String path) throws Exception {
        get(path);

        RequestEnd end = ends.poll(TIMEOUT.toSeconds(), TimeUnit.SECONDS);
        assertThat(end).isNotNull();
        assertThat(end.model()).isEqualTo(MODEL);
        assertThat(end.events()).isEqualTo(2);
        assertThat(end.finished()).isEqualTo(new Finished(FinishReason.STOP, new Usage(1, null, 1), Timings.ZERO));
        assertThat(end.receipt()).isEqualTo(new FakeQueued().receipt());
    }

    private void awaitBudget(long used) {
        long giveUp = System.nanoTime() + TIMEOUT.toNanos();
        while (budget.used() != used && System.nanoTime() < giveUp) {
            Thread.onSpinWait();
        }
        assertThat(budget.used()).isEqualTo(used);
    }

    /** Responds with the steps that are in the path. */
    private Mono<Void> answer(ServerWebExchange exchange) {
        List<String> steps = List.of(exchange.getRequest().getPath().value().split("/", -1));
        return responder(steps, exchange)
                .respond(MODEL, new FakeQueued(), Flux.fromIterable(steps).concatMap(step -> switch (step) {
                    case "text" -> TEXT;
                    case "end" -> END;
                    case "failure" -> FAILURE;
                    case "never" -> Flux.<List<ChatEvent>>never().doOnCancel(cancelled::countDown);
                    default -> Flux.empty();
                }));
    }

    private ChatResponder responder(List<String> steps, ServerWebExchange exchange) {
        if (steps.contains("body") || steps.contains("late")) {
            return new AnswerBody(steps.contains("late") ? SHORT_TIMEOUT : TIMEOUTS, budget)
                    .responder((model, queued) -> new LinesBody(), exchange);
        }
        return streams.responder(
                (model, queued) -> new NdjsonEncoder(exchange.getResponse().bufferFactory(), null), exchange);
    }

    private HttpResponse<String> get(String path) throws Exception {
        try (HttpClient client = HttpClient.newHttpClient()) {
            return client.send(
                    HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + server.port() + path))
                            .timeout(TIMEOUT)
                            .build(),
                    HttpResponse.BodyHandlers.ofString());
        }
    }

    private @Nullable String end() throws InterruptedException {
        RequestEnd end = ends.poll(TIMEOUT.toSeconds(), TimeUnit.SECONDS);
        return end == null ? null : end.end();
    }
}
