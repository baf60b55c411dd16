package dev.localllm.ollama;

import dev.localllm.core.failure.LlmException;
import dev.localllm.core.failure.LlmFailure.UpstreamUnavailable;
import dev.localllm.upstream.Upstream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;
import tools.jackson.core.JacksonException;
import tools.jackson.core.json.JsonFactory;
import tools.jackson.core.util.JsonRecyclerPools;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Reads and writes complete JSON bodies of Ollama's API. The numbers of a {@link JsonNode} keep all their digits. */
final class OllamaJson {

    private static final JsonMapper MAPPER = JsonMapper.builder(JsonFactory.builder()
                    .recyclerPool(JsonRecyclerPools.threadLocalPool())
                    .build())
            .disable(DeserializationFeature.FAIL_ON_NULL_FOR_PRIMITIVES)
            .enable(DeserializationFeature.USE_BIG_DECIMAL_FOR_FLOATS)
            .build();
    private static final Duration TIMEOUT = Duration.ofSeconds(5);

    private OllamaJson() {}

    static byte[] write(Object body) {
        return MAPPER.writeValueAsBytes(body);
    }

    /** The value, or null if the bytes are not JSON of that type. */
    static <T> @Nullable T read(byte[] bytes, int offset, int length, Class<T> type) {
        try {
            return MAPPER.readValue(bytes, offset, length, type);
        } catch (JacksonException e) {
            return null;
        }
    }

    /** The value, or null if the text is not one JSON value. */
    static @Nullable JsonNode read(String json) {
        return read(json.getBytes(StandardCharsets.UTF_8), JsonNode.class);
    }

    static <T> @Nullable T read(byte[] bytes, Class<T> type) {
        return read(bytes, 0, bytes.length, type);
    }

    static <T> Mono<T> get(Upstream upstream, String path, Class<T> type) {
        return upstream.ask(client -> client.get()
                .uri(path)
                .response((response, content) -> upstream.body(content).map(body -> {
                    int status = response.status().code();
                    T value = status == 200 ? read(body, type) : null;
                    if (value == null) {
                        throw new LlmException(OllamaFailures.ofStatus(status, body, ""));
                    }
                    return value;
                }))
                .next()
                .timeout(
                        TIMEOUT,
                        Mono.error(() -> new LlmException(new UpstreamUnavailable("Ollama doesn't answer.")))));
    }
}
