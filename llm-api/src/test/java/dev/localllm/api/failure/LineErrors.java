package dev.localllm.api.failure;

import dev.localllm.api.failure.FailureResponse.Retry;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.springframework.http.HttpHeaders;

/** The error format of a test wire. */
public final class LineErrors implements ErrorFormat {

    @Override
    public boolean matches(String path, Function<String, @Nullable String> header) {
        return path.startsWith("/lines/");
    }

    @Override
    public byte[] body(FailureResponse failure) {
        return ("{\"failed\":\"" + failure.code() + "\"}").getBytes(StandardCharsets.UTF_8);
    }

    @Override
    public void writeRetryHeaders(Retry retry, HttpHeaders response) {}

    @Override
    public List<String> headerNames() {
        return List.of();
    }
}
