package dev.localllm.api;

import dev.localllm.api.contract.ContractRecorder;
import dev.localllm.core.admission.FairQueue;
import dev.localllm.core.embedding.EmbeddingService;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.SpringApplication;
import org.springframework.context.ApplicationContext;
import org.springframework.context.ConfigurableApplicationContext;

/**
 * The real server on a free port, started like {@code main}. Its responses are checked against the OpenAPI document: if one
 * does not match, {@link #close} fails.
 */
public final class TestServer implements AutoCloseable {

    private static final Duration TIMEOUT = Duration.ofSeconds(20);

    private final HttpClient client = HttpClient.newHttpClient();
    private final @Nullable ContractRecorder recorder = ContractRecorder.create();
    private final ConfigurableApplicationContext context;

    /** @param settings each in the form {@code --NAME=value}; the default is no rate limit, and no waiting */
    public TestServer(URI ollama, String... settings) {
        List<String> arguments = new ArrayList<>(List.of(
                "--APP_ENV=local",
                "--SERVER_PORT=0",
                "--MANAGEMENT_PORT=0",
                "--RATE_LIMIT_RPM=0",
                "--OLLAMA_NUM_PARALLEL=64",
                "--OLLAMA_BASE_URL=" + ollama));
        List.of(settings).forEach(setting -> {
            arguments.removeIf(argument -> argument.startsWith(setting.substring(0, setting.indexOf('=') + 1)));
            arguments.add(setting);
        });
        String[] all = arguments.toArray(String[]::new);
        context = recorder == null
                ? LlmApplication.start(all)
                : SpringApplication.withHook(recorder.hook(), () -> LlmApplication.start(all));
    }

    public URI uri(String path) {
        return URI.create("http://127.0.0.1:" + context.getEnvironment().getProperty("local.server.port") + path);
    }

    URI managementUri(String path) {
        return URI.create("http://127.0.0.1:" + context.getEnvironment().getProperty("local.management.port") + path);
    }

    ApplicationContext context() {
        return context;
    }

    /** The queue that the server uses. */
    FairQueue queue() {
        return context.getBean(FairQueue.class);
    }

    /** Number of requests for embeddings that run or wait. */
    int embeddings() {
        EmbeddingService embeddings = context.getBean(EmbeddingService.class);
        return embeddings.running() + embeddings.waiting();
    }

    public HttpResponse<String> get(String path) throws Exception {
        return send(HttpRequest.newBuilder(uri(path)));
    }

    public HttpResponse<String> post(String path, String json) throws Exception {
        return send(HttpRequest.newBuilder(uri(path))
                .header("Content-Type", "application/json")
                .POST(HttpRequest.BodyPublishers.ofString(json)));
    }

    HttpResponse<String> send(HttpRequest.Builder request) throws Exception {
        return client.send(
                request.timeout(TIMEOUT).build(), HttpResponse.BodyHandlers.ofString(StandardCharsets.UTF_8));
    }

    @Override
    public void close() {
        context.close();
        if (recorder != null) {
            recorder.assertMatches();
        }
    }
}
