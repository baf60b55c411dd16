package dev.localllm.ollama;

import dev.localllm.core.failure.LlmException;
import dev.localllm.core.failure.LlmFailure.UpstreamProtocol;
import dev.localllm.core.failure.LlmFailure.UpstreamUnavailable;
import java.io.ByteArrayOutputStream;
import java.time.Duration;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;
import reactor.netty.ByteBufFlux;
import reactor.netty.http.client.HttpClient;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.json.JsonMapper;

/** Whole JSON bodies to and from Ollama, bounded in size. */
final class OllamaJson {

    private static final JsonMapper MAPPER = JsonMapper.builder()
            .disable(DeserializationFeature.FAIL_ON_NULL_FOR_PRIMITIVES)
            .build();
    private static final Duration TIMEOUT = Duration.ofSeconds(5);
    private static final int MAX_BODY_BYTES = 8 << 20;

    private OllamaJson() {}

    static byte[] write(Object body) {
        return MAPPER.writeValueAsBytes(body);
    }

    /** The value, or null if the bytes are no JSON of that shape. */
    static <T> @Nullable T read(byte[] bytes, int offset, int length, Class<T> type) {
        try {
            return MAPPER.readValue(bytes, offset, length, type);
        } catch (JacksonException e) {
            return null;
        }
    }

    static <T> @Nullable T read(byte[] bytes, Class<T> type) {
        return read(bytes, 0, bytes.length, type);
    }

    static <T> Mono<T> get(HttpClient client, String path, Class<T> type) {
        return client.get()
                .uri(path)
                .response((response, content) -> body(content).map(body -> {
                    int status = response.status().code();
                    T value = status == 200 ? read(body, type) : null;
                    if (value == null) {
                        throw new LlmException(OllamaFailures.ofStatus(status, body, ""));
                    }
                    return value;
                }))
                .next()
                .timeout(
                        TIMEOUT, Mono.error(() -> new LlmException(new UpstreamUnavailable("Ollama doesn't answer."))));
    }

    /** All of a body, which may be empty; fails when it is larger than any that Ollama sends. */
    static Mono<byte[]> body(ByteBufFlux content) {
        return content.<ByteArrayOutputStream>collect(ByteArrayOutputStream::new, (bytes, buffer) -> {
                    if (bytes.size() + buffer.readableBytes() > MAX_BODY_BYTES) {
                        throw new LlmException(
                                new UpstreamProtocol("Ollama's answer is larger than " + MAX_BODY_BYTES + " bytes."));
                    }
                    byte[] chunk = new byte[buffer.readableBytes()];
                    buffer.readBytes(chunk);
                    bytes.writeBytes(chunk);
                })
                .map(ByteArrayOutputStream::toByteArray);
    }
}
