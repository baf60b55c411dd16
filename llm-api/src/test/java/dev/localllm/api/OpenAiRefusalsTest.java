package dev.localllm.api;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import ch.qos.logback.classic.Level;
import com.openai.client.OpenAIClient;
import com.openai.client.okhttp.OpenAIOkHttpClient;
import com.openai.core.Sleeper;
import com.openai.core.http.StreamResponse;
import com.openai.errors.BadRequestException;
import com.openai.errors.InternalServerException;
import com.openai.errors.OpenAIServiceException;
import com.openai.errors.RateLimitException;
import com.openai.errors.SseException;
import com.openai.models.chat.completions.ChatCompletionChunk;
import com.openai.models.chat.completions.ChatCompletionCreateParams;
import dev.localllm.ollama.simulator.Fault;
import dev.localllm.ollama.simulator.OllamaSimulator;
import dev.localllm.ollama.simulator.Steps;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpRequest;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * OpenAI's own Java client, with its defaults, understands every refusal: what it throws, how often it asks, and how long
 * it pauses in between. Pauses are noted instead of made.
 */
@Timeout(60)
class OpenAiRefusalsTest {

    @RegisterExtension
    static final TestServers SERVERS = new TestServers();

    private static final String LOG = "dev.localllm.api.request.RequestFilter";
    private static final String ID = "asked"; // of the requests that the client sends
    private static final Duration SOON = Duration.ofSeconds(5);
    private static final Duration LONGEST_PAUSE = Duration.ofSeconds(8); // the client's own limit
    private static final Action NOTHING = () -> {};

    private final OllamaSimulator simulator = SERVERS.simulator();
    private final List<Duration> pauses = new CopyOnWriteArrayList<>();
    private final List<AutoCloseable> opened = new ArrayList<>();

    /** What happens while the client pauses. */
    private interface Action {
        void run() throws Exception;
    }

    /**
     * What became of a question.
     *
     * @param refusal null if it was answered
     * @param attempts the log lines of its requests
     */
    private record Asked(OpenAIServiceException refusal, String answer, List<String> attempts) {

        Asked assertAnswered() {
            assertThat(refusal).isNull();
            assertThat(answer).isNotEmpty();
            return this;
        }

        /** A refusal with a status and headers of its own. */
        Asked assertRefused(Class<? extends OpenAIServiceException> type, int status, String code, String shouldRetry) {
            assertThat(refusal).isExactlyInstanceOf(type);
            assertThat(refusal.statusCode()).isEqualTo(status);
            assertThat(refusal.code()).contains(code);
            assertThat(refusal.headers().values("x-should-retry")).containsExactly(shouldRetry);
            assertThat(answer).isEmpty();
            return this;
        }

        /** A refusal in a stream that had started. */
        Asked assertFrame(String code) {
            assertThat(refusal).isExactlyInstanceOf(SseException.class);
            assertThat(refusal.statusCode()).isEqualTo(200);
            assertThat(refusal.code()).contains(code);
            assertThat(answer).isEmpty();
            return this;
        }

        Asked assertAttempts(String... ends) {
            assertThat(attempts).hasSameSizeAs(ends);
            for (int i = 0; i < ends.length; i++) {
                assertThat(attempts.get(i)).contains(" " + ends[i] + " ");
            }
            return this;
        }
    }

    @AfterEach
    void close() throws Exception {
        for (AutoCloseable one : opened.reversed()) {
            one.close();
        }
    }

    @Test
    void pausesAsLongAsTheRateLimitSays() throws Exception {
        TestServer server = SERVERS.server("--RATE_LIMIT_RPM=60", "--RATE_LIMIT_BURST=1");
        useUpTheLimit(server);

        ask(server, false, NOTHING).assertRefused(RateLimitException.class, 429, "rate_limit_exceeded", "true");

        assertThat(pauses)
                .hasSize(2)
                .allSatisfy(pause -> assertThat(pause).isBetween(Duration.ofMillis(1), Duration.ofSeconds(1)));
    }

    /** So it asks twice in vain, before the 15 s are over. */
    @Test
    void pausesNoLongerThanItsOwnLimit() throws Exception {
        TestServer server = SERVERS.server("--RATE_LIMIT_RPM=4", "--RATE_LIMIT_BURST=1");
        useUpTheLimit(server);

        Asked asked = ask(server, false, NOTHING)
                .assertRefused(RateLimitException.class, 429, "rate_limit_exceeded", "true")
                .assertAttempts("429 rate_limit_exceeded", "429 rate_limit_exceeded", "429 rate_limit_exceeded");

        assertThat(pauses).containsExactly(LONGEST_PAUSE, LONGEST_PAUSE);
        assertThat(asked.refusal().headers().values("retry-after"))
                .singleElement()
                .satisfies(seconds -> assertThat(Integer.parseInt(seconds)).isBetween(9, 15));
    }

    @Test
    void doesNotWaitAMinuteForTheRateLimit() throws Exception {
        TestServer server = SERVERS.server("--RATE_LIMIT_RPM=1", "--RATE_LIMIT_BURST=1");
        useUpTheLimit(server);

        ask(server, true, NOTHING)
                .assertRefused(RateLimitException.class, 429, "rate_limit_exceeded", "false")
                .assertAttempts("429 rate_limit_exceeded");
    }

    @ParameterizedTest
    @CsvSource({"--MAX_CONCURRENT_REQUESTS=2", "--QUEUE_PER_CLIENT=1"})
    void asksAgainWhenThereMayBeRoom(String setting) throws Exception {
        TestServer server = server(setting, "--QUEUE_TIMEOUT=1m");
        Steps steps = held(server.uri("/"));
        RawRequest waiting = waiting(server, "Answer in 2 tokens");

        ask(server, false, () -> {
                    steps.release(2);
                    waiting.readUntil("data: "); // has the permit, so the other one has ended
                })
                .assertAnswered()
                .assertAttempts("503 overloaded", "200 done");

        assertThat(pauses).containsExactly(SOON);
    }

    @ParameterizedTest
    @CsvSource({
        "--MAX_CONCURRENT_REQUESTS=1, The queue is full.",
        "--QUEUE_PER_CLIENT=0, The client has too many waiting requests."
    })
    void givesUpWhenItHasAskedThreeTimes(String setting, String message) throws Exception {
        TestServer server = server(setting);
        running(server);

        Asked asked = ask(server, true, NOTHING)
                .assertRefused(InternalServerException.class, 503, "overloaded", "true")
                .assertAttempts("503 overloaded", "503 overloaded", "503 overloaded");

        assertThat(asked.refusal()).hasMessageContaining(message);
        assertThat(pauses).containsExactly(SOON, SOON);
    }

    /** A running request may take longer than the typical one. Then nobody knows when there is room. */
    @Test
    void pausesIfTheRoomIsOverdue() throws Exception {
        TestServer server = server("--MAX_CONCURRENT_REQUESTS=1", "--QUEUE_TIMEOUT=1m");
        try (RawRequest typical = RawRequest.chat(server.uri("/"), true, "Answer in 1 tokens")) {
            typical.readAll();
        }
        running(server);

        ask(server, true, NOTHING).assertRefused(InternalServerException.class, 503, "overloaded", "true");

        assertThat(pauses)
                .hasSize(2)
                .allSatisfy(pause -> assertThat(pause).isGreaterThanOrEqualTo(Duration.ofSeconds(1)));
    }

    /** Fifty requests that take a second or more, and 20 s to wait. */
    @Test
    void doesNotRetryWhenTheWaitIsHopeless() throws Exception {
        TestServer server = server("--QUEUE_TIMEOUT=20s", "--QUEUE_PER_CLIENT=64");
        RawRequest running = running(server);
        simulator.script(new Fault.Pauses(1, Duration.ofSeconds(2)), new Fault.Stalls(1));
        List<RawRequest> waiting = new ArrayList<>();
        for (int i = 0; i < 52; i++) {
            waiting.add(waiting(server, "Answer in 2 tokens"));
        }
        running.close();
        assertThat(waiting.get(0).readAll()).contains("data: [DONE]");
        assertThat(waiting.get(1).readUntil("data: ")).isTrue();

        Asked asked = ask(server, false, NOTHING)
                .assertRefused(InternalServerException.class, 503, "overloaded", "false")
                .assertAttempts("503 overloaded");

        assertThat(asked.refusal())
                .hasMessageContaining(
                        "The wait would be too long. The request would have place 51 and an expected wait of ");
        assertThat(asked.refusal().headers().values("retry-after"))
                .singleElement()
                .satisfies(seconds -> assertThat(Integer.parseInt(seconds)).isGreaterThan(20));
    }

    @Test
    void doesNotRetryWhenItHasWaitedTooLong() throws Exception {
        TestServer server = SERVERS.server("--OLLAMA_NUM_PARALLEL=1", "--QUEUE_TIMEOUT=300ms");
        running(server);

        for (boolean stream : new boolean[] {true, false}) {
            ask(server, stream, NOTHING)
                    .assertRefused(InternalServerException.class, 503, "queue_timeout", "false")
                    .assertAttempts("503 queue_timeout");
        }
    }

    @Test
    void readsTheEndOfItsWaitFromAStream() throws Exception {
        TestServer server = server("--QUEUE_TIMEOUT=1s");
        running(server);

        ask(server, true, NOTHING).assertFrame("queue_timeout").assertAttempts("200 queue_timeout");
    }

    @Test
    void readsAnAnswerAfterItsPlacesInTheQueue() throws Exception {
        TestServer server = server("--QUEUE_TIMEOUT=1m");
        Steps steps = held(server.uri("/"));

        List<ChatCompletionChunk> chunks = new ArrayList<>();
        try (StreamResponse<ChatCompletionChunk> response = client(server.uri("/v1"), NOTHING)
                .chat()
                .completions()
                .createStreaming(question("Answer in 3 tokens"))) {
            // Only a comment can have started it.
            steps.release(2);
            response.stream().forEach(chunks::add);
        }

        assertThat(chunks).hasSize(1 + 3 + 1).allSatisfy(ChatCompletionChunk::validate);
    }

    /** As in a deploy: new connections go to the next server. */
    @Test
    void asksTheNextServerWhenThisOneStops() throws Exception {
        TestServer next = SERVERS.server();
        try (ServerProcess stopping = oneAtATime();
                Proxy proxy = new Proxy(stopping.uri("/"))) {
            Steps steps = held(stopping.uri("/"));
            CompletableFuture<Asked> asking = CompletableFuture.supplyAsync(() -> {
                try {
                    return ask(next, proxy.uri("/v1"), false, () -> proxy.target = next.uri("/"));
                } catch (Exception e) {
                    throw new IllegalStateException(e);
                }
            });
            awaitWaiting(stopping);

            stopping.terminate();

            asking.get(30, TimeUnit.SECONDS).assertAnswered().assertAttempts("200 done");
            assertThat(pauses).containsExactly(Duration.ofSeconds(1));
            assertEnd(stopping, steps, "503 shutting_down");
        }
    }

    @Test
    void readsTheStopOfTheServerFromAStream() throws Exception {
        try (ServerProcess stopping = oneAtATime()) {
            Steps steps = held(stopping.uri("/"));
            OpenAIClient client = client(stopping.uri("/v1"), NOTHING);
            try (StreamResponse<ChatCompletionChunk> response =
                    client.chat().completions().createStreaming(question("Hello"))) {
                // Only a comment can have started it.
                stopping.terminate();

                assertThatExceptionOfType(SseException.class)
                        .isThrownBy(() -> read(response))
                        .satisfies(e -> assertThat(e.code()).contains("shutting_down"));
            }
            assertThat(pauses).isEmpty();
            assertEnd(stopping, steps, "200 shutting_down");
        }
    }

    @Test
    void retriesAFailureAsItLikesIfNothingIsSaid() throws Exception {
        TestServer server = SERVERS.server();
        simulator.script(new Fault.SendsError(0));

        ask(server, true, NOTHING).assertAnswered().assertAttempts("502 upstream_failed", "200 done");

        assertThat(pauses)
                .singleElement()
                .satisfies(pause -> assertThat(pause).isLessThanOrEqualTo(Duration.ofSeconds(1)));
    }

    @Test
    void asksAgainWhenTheModelServerMayBeBack() throws Exception {
        TestServer server = SERVERS.server();
        simulator.script(new Fault.Refuses(503, "server busy"));

        ask(server, false, NOTHING).assertAnswered().assertAttempts("503 upstream_unavailable", "200 done");

        assertThat(pauses).containsExactly(SOON);
    }

    @Test
    void doesNotRetryASlowModel() throws Exception {
        TestServer server = SERVERS.server("--FIRST_TOKEN_TIMEOUT=300ms");
        simulator.script(new Fault.NeverAnswers());

        ask(server, true, NOTHING)
                .assertRefused(InternalServerException.class, 504, "first_token_timeout", "false")
                .assertAttempts("504 first_token_timeout");
    }

    @Test
    void doesNotRetryARequestThatIsTooLarge() throws Exception {
        TestServer server = SERVERS.server("--MAX_PROMPT_CHARACTERS=1");

        Asked asked = ask(server, true, NOTHING).assertAttempts("400 invalid_request");

        assertThat(asked.refusal()).isExactlyInstanceOf(BadRequestException.class);
    }

    /** One permit, and comments that start a stream soon. */
    private static TestServer server(String... settings) {
        List<String> all = new ArrayList<>(List.of(settings));
        all.addAll(List.of("--OLLAMA_NUM_PARALLEL=1", "--HEARTBEAT_INTERVAL=50ms"));
        return SERVERS.server(all.toArray(String[]::new));
    }

    private ServerProcess oneAtATime() throws IOException {
        return new ServerProcess(
                simulator.baseUrl(),
                "--OLLAMA_NUM_PARALLEL=1",
                "--HEARTBEAT_INTERVAL=50ms",
                "--SHUTDOWN_TIMEOUT=10m",
                "--RATE_LIMIT_RPM=0",
                "--QUEUE_PER_CLIENT=1000",
                "--MAX_CONCURRENT_REQUESTS=1000");
    }

    private static void useUpTheLimit(TestServer server) throws Exception {
        assertThat(server.post("/v1/chat/completions", "{}").statusCode()).isEqualTo(400);
    }

    /** A request that has the permit, and does not end by itself. */
    private RawRequest running(TestServer server) throws Exception {
        simulator.script(new Fault.Stalls(1));
        return started(server.uri("/"));
    }

    /** A request that has the permit, until two more steps are released. */
    private Steps held(URI server) throws Exception {
        Steps steps = simulator.hold();
        steps.release(1);
        started(server);
        return steps;
    }

    private RawRequest started(URI server) throws Exception {
        RawRequest request = RawRequest.chat(server, true, "Answer in 2 tokens");
        opened.add(request);
        assertThat(request.readUntil("data: ")).isTrue();
        return request;
    }

    private RawRequest waiting(TestServer server, String question) throws Exception {
        RawRequest request = RawRequest.chat(server.uri("/"), true, question);
        opened.add(request);
        assertThat(request.readUntil(": queue position=")).isTrue();
        return request;
    }

    /** Returns when another request waits: then one of these has a place behind it. */
    private void awaitWaiting(ServerProcess server) throws Exception {
        int position;
        int own = 0;
        do {
            RawRequest request = RawRequest.chat(server.uri("/"), true, "Hello");
            opened.add(request);
            own++;
            assertThat(request.readUntil(": queue position=")).isTrue();
            assertThat(request.readUntil("\n\n")).isTrue();
            position = Integer.parseInt(request.received().replaceAll("(?s).*?: queue position=(\\d+).*", "$1"));
        } while (position == own);
    }

    private static void assertEnd(ServerProcess server, Steps steps, String end) throws Exception {
        steps.release(2);
        server.exitCode();
        assertThat(server.output().lines().filter(line -> line.contains("id=" + ID + " ")))
                .singleElement()
                .asString()
                .contains(" " + end + " ");
    }

    private Asked ask(TestServer server, boolean stream, Action whilePausing) throws Exception {
        return ask(server, server.uri("/v1"), stream, whilePausing);
    }

    /** Asks at a URL. The attempts are those that the server got. */
    private Asked ask(TestServer server, URI url, boolean stream, Action whilePausing) throws Exception {
        try (CapturedLog log = new CapturedLog(LOG, Level.INFO)) {
            Asked asked = ask(client(url, whilePausing), stream);
            server.send(HttpRequest.newBuilder(server.uri("/v1/models")).header("x-request-id", "after"));
            log.await("id=after ");
            List<String> attempts = log.messages().stream()
                    .filter(line -> line.contains(" id=" + ID + " "))
                    .toList();
            return new Asked(asked.refusal(), asked.answer(), attempts);
        }
    }

    private static Asked ask(OpenAIClient client, boolean stream) {
        try {
            return new Asked(null, stream ? streamed(client) : nonStreaming(client), List.of());
        } catch (OpenAIServiceException e) {
            return new Asked(e, "", List.of());
        }
    }

    private static String streamed(OpenAIClient client) {
        try (StreamResponse<ChatCompletionChunk> response =
                client.chat().completions().createStreaming(question("Hello"))) {
            return read(response);
        }
    }

    private static String read(StreamResponse<ChatCompletionChunk> response) {
        return response.stream()
                .flatMap(chunk -> chunk.validate().choices().stream())
                .flatMap(choice -> choice.delta().content().stream())
                .collect(Collectors.joining());
    }

    private static String nonStreaming(OpenAIClient client) {
        return client.chat()
                .completions()
                .create(question("Hello"))
                .choices()
                .getFirst()
                .message()
                .content()
                .orElseThrow();
    }

    private static ChatCompletionCreateParams question(String text) {
        return ChatCompletionCreateParams.builder()
                .model(OllamaSimulator.CHAT_MODEL)
                .addUserMessage(text)
                .putAdditionalHeader("x-request-id", ID)
                .build();
    }

    /** A client with the SDK's defaults. */
    private OpenAIClient client(URI url, Action whilePausing) {
        OpenAIClient client = OpenAIOkHttpClient.builder()
                .baseUrl(url.toString())
                .apiKey("none")
                .sleeper(new Notes(whilePausing))
                .build();
        opened.add(client::close);
        return client;
    }

    /** Notes the pauses instead of making them. */
    private final class Notes implements Sleeper {

        private final Action whilePausing;

        Notes(Action whilePausing) {
            this.whilePausing = whilePausing;
        }

        @Override
        public void sleep(Duration pause) {
            pauses.add(pause);
            try {
                whilePausing.run();
            } catch (Exception e) {
                throw new IllegalStateException(e);
            }
        }

        @Override
        public CompletableFuture<Void> sleepAsync(Duration pause) {
            throw new UnsupportedOperationException();
        }

        @Override
        public void close() {}
    }

    /** Forwards each connection to the server that is its target at that time. */
    private static final class Proxy implements AutoCloseable {

        private final ServerSocket listening = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
        private volatile URI target;

        Proxy(URI target) throws IOException {
            this.target = target;
            Thread.ofVirtual().start(this::accept);
        }

        URI uri(String path) {
            return URI.create("http://127.0.0.1:" + listening.getLocalPort() + path);
        }

        private void accept() {
            try {
                while (true) {
                    Socket client = listening.accept();
                    Socket server = new Socket(target.getHost(), target.getPort());
                    Thread.ofVirtual().start(() -> copy(client, server));
                    Thread.ofVirtual().start(() -> copy(server, client));
                }
            } catch (IOException e) {
                // the test has ended
            }
        }

        private static void copy(Socket from, Socket to) {
            try (from;
                    to) {
                from.getInputStream().transferTo(to.getOutputStream());
            } catch (IOException e) {
                // one of them has left
            }
        }

        @Override
        public void close() throws IOException {
            listening.close();
        }
    }
}
