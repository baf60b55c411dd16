package dev.localllm.api.failure;

import static org.assertj.core.api.Assertions.assertThat;

import dev.localllm.core.failure.LlmFailure;
import dev.localllm.core.failure.LlmFailure.ContextLengthExceeded;
import dev.localllm.core.failure.LlmFailure.InvalidRequest;
import dev.localllm.core.failure.LlmFailure.UnknownModel;
import dev.localllm.core.failure.LlmFailure.UnsupportedByModel;
import dev.localllm.core.failure.LlmFailure.UpstreamFailed;
import dev.localllm.core.failure.LlmFailure.UpstreamProtocol;
import dev.localllm.core.failure.LlmFailure.UpstreamTimeout;
import dev.localllm.core.failure.LlmFailure.UpstreamUnavailable;
import java.util.Arrays;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

class HttpFailureTest {

    static Stream<Arguments> failures() {
        return Stream.of(
                Arguments.of(new InvalidRequest("seed", "no"), 400, "invalid_request_error", null, "seed"),
                Arguments.of(new UnknownModel("m"), 404, "invalid_request_error", "model_not_found", "model"),
                Arguments.of(
                        new UnsupportedByModel("m", "no"),
                        400,
                        "invalid_request_error",
                        "unsupported_by_model",
                        "model"),
                Arguments.of(
                        new ContextLengthExceeded("no"),
                        400,
                        "invalid_request_error",
                        "context_length_exceeded",
                        "messages"),
                Arguments.of(new UpstreamUnavailable("no"), 503, "server_error", "upstream_unavailable", null),
                Arguments.of(new UpstreamTimeout("no"), 504, "server_error", "upstream_timeout", null),
                Arguments.of(new UpstreamFailed("no"), 502, "server_error", "upstream_failed", null),
                Arguments.of(new UpstreamProtocol("no"), 502, "server_error", "upstream_protocol_error", null));
    }

    @ParameterizedTest
    @MethodSource("failures")
    void givesEachFailureItsStatusAndWords(LlmFailure failure, int status, String type, String code, String param) {
        HttpFailure http = HttpFailure.of(failure);
        JsonNode error = JsonMapper.shared().readTree(http.body()).path("error");

        assertThat(http.status().value()).isEqualTo(status);
        assertThat(error.path("message").asString()).isEqualTo(failure.message());
        assertThat(error.path("type").asString()).isEqualTo(type);
        assertThat(error.path("code").asString(null)).isEqualTo(code);
        assertThat(error.path("param").asString(null)).isEqualTo(param);
        assertThat(http.retryAfterSeconds() != null).isEqualTo(status == 503);
    }

    @Test
    void isTestedForEveryKindOfFailure() {
        assertThat(failures().map(arguments -> arguments.get()[0].getClass().getName()))
                .containsExactlyInAnyOrderElementsOf(Arrays.stream(LlmFailure.class.getPermittedSubclasses())
                        .map(Class::getName)
                        .toList());
    }

    @Test
    void staysJsonWhateverTheMessageHolds() {
        HttpFailure http = HttpFailure.of(new UpstreamFailed("\"quoted\" \\ \n 안녕"));

        assertThat(JsonMapper.shared()
                        .readTree(http.body())
                        .at("/error/message")
                        .asString())
                .isEqualTo("\"quoted\" \\ \n 안녕");
    }
}
