package dev.localllm.api.openai;

import static org.assertj.core.api.Assertions.assertThat;

import dev.localllm.api.failure.FailureResponse;
import dev.localllm.core.failure.Deadline;
import dev.localllm.core.failure.LlmFailure;
import dev.localllm.core.failure.LlmFailure.DeadlineExceeded;
import dev.localllm.core.failure.LlmFailure.UpstreamProtocol;
import dev.localllm.core.failure.LlmFailure.UpstreamUnavailable;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.http.HttpHeaders;
import org.springframework.http.HttpStatus;
import tools.jackson.databind.json.JsonMapper;

/** The proxy's own error responses equal the server's, byte for byte, except for the message. */
class ProxyErrorsTest {

    private static final Path PROXY = Path.of("../llm-deploy/proxy");
    private static final Pattern HTTP_ERROR =
            Pattern.compile("^ +http-error status (\\d+) content-type (\\S+) string '(.*)'(.*)$", Pattern.MULTILINE);
    private static final Pattern HEADER = Pattern.compile(" hdr (\\S+) (\\S+)");

    private final OpenAiErrors errors = new OpenAiErrors();

    @ParameterizedTest
    @ValueSource(ints = {400, 408, 431})
    void refusesMalformedRequestsLikeTheServer(int status) throws IOException {
        String[] parts = Files.readString(PROXY.resolve(status + ".http")).split("\r?\n\r?\n", 2);
        String expected = body(FailureResponse.ofStatus(HttpStatus.valueOf(status), message(parts[1])));

        assertThat(parts[1]).isEqualTo(expected);
        assertThat(parts[0].lines())
                .containsExactly(
                        "HTTP/1.1 " + status + " " + HttpStatus.valueOf(status).getReasonPhrase(),
                        "content-type: application/json",
                        "content-length: " + expected.length(),
                        "connection: close");
    }

    @Test
    void reportsAnUnavailableServerLikeAnUnavailableModelServer() throws IOException {
        Map<Integer, LlmFailure> failures = Map.of(
                502, new UpstreamProtocol(""),
                503, new UpstreamUnavailable(""),
                504, new DeadlineExceeded(Deadline.TOTAL, ""));
        Map<Integer, MatchResult> answers = HTTP_ERROR
                .matcher(Files.readString(PROXY.resolve("haproxy.cfg")))
                .results()
                .collect(Collectors.toMap(found -> Integer.parseInt(found.group(1)), found -> found));

        assertThat(answers.keySet()).isEqualTo(failures.keySet());
        answers.forEach((status, answer) -> {
            FailureResponse failure = FailureResponse.of(failures.get(status));
            assertThat(failure.status().value()).isEqualTo(status);
            assertThat(answer.group(2)).isEqualTo("application/json");
            assertThat(answer.group(3)).isEqualTo(body(with(message(answer.group(3)), failure)));
            assertThat(headers(answer.group(4))).isEqualTo(headers(failure));
        });
    }

    private static FailureResponse with(String message, FailureResponse failure) {
        return new FailureResponse(
                failure.status(), failure.code(), failure.field(), message, failure.detail(), failure.retry());
    }

    private String body(FailureResponse failure) {
        return new String(errors.body(failure), StandardCharsets.UTF_8);
    }

    private static String message(String body) {
        return JsonMapper.shared().readTree(body).at("/error/message").asString();
    }

    private static Map<String, String> headers(String text) {
        return HEADER.matcher(text)
                .results()
                .collect(Collectors.toMap(found -> found.group(1), found -> found.group(2)));
    }

    private Map<String, String> headers(FailureResponse failure) {
        HttpHeaders headers = new HttpHeaders();
        errors.writeRetryHeaders(failure.retry(), headers);
        Map<String, String> lower = new TreeMap<>();
        headers.forEach((name, values) -> lower.put(name.toLowerCase(Locale.ROOT), values.getFirst()));
        return lower;
    }
}
