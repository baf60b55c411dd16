package dev.localllm.api.openai;

import static org.assertj.core.api.Assertions.assertThat;

import dev.localllm.api.failure.FailureResponse;
import dev.localllm.core.failure.Deadline;
import dev.localllm.core.failure.LlmFailure;
import dev.localllm.core.failure.LlmFailure.ContextLengthExceeded;
import dev.localllm.core.failure.LlmFailure.DeadlineExceeded;
import dev.localllm.core.failure.LlmFailure.InputTooLong;
import dev.localllm.core.failure.LlmFailure.InvalidRequest;
import dev.localllm.core.failure.LlmFailure.Overloaded;
import dev.localllm.core.failure.LlmFailure.RateLimited;
import dev.localllm.core.failure.LlmFailure.SchemaNotHonoured;
import dev.localllm.core.failure.LlmFailure.ShuttingDown;
import dev.localllm.core.failure.LlmFailure.UnknownModel;
import dev.localllm.core.failure.LlmFailure.UnsupportedByModel;
import dev.localllm.core.failure.LlmFailure.UpstreamFailed;
import dev.localllm.core.failure.LlmFailure.UpstreamProtocol;
import dev.localllm.core.failure.LlmFailure.UpstreamUnavailable;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Arrays;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.springframework.http.HttpHeaders;
import org.springframework.http.HttpStatus;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

class OpenAiErrorsTest {

    static Stream<Arguments> failures() {
        return Stream.of(
                Arguments.of(new InvalidRequest("seed", "no"), 400, "invalid_request_error", null, "seed"),
                Arguments.of(new UnknownModel("m"), 404, "invalid_request_error", "model_not_found", "model"),
                Arguments.of(
                        new UnsupportedByModel("m", "no", null),
                        400,
                        "invalid_request_error",
                        "unsupported_by_model",
                        "model"),
                Arguments.of(
                        new ContextLengthExceeded("messages", 5000, 4096, null),
                        400,
                        "invalid_request_error",
                        "context_length_exceeded",
                        "messages"),
                Arguments.of(new InputTooLong(null), 400, "invalid_request_error", "context_length_exceeded", "input"),
                Arguments.of(new UpstreamUnavailable("no"), 503, "server_error", "upstream_unavailable", null),
                Arguments.of(
                        new DeadlineExceeded(Deadline.FIRST_TOKEN, "no"),
                        504,
                        "server_error",
                        "first_token_timeout",
                        null),
                Arguments.of(new Overloaded("no"), 503, "server_error", "overloaded", null),
                Arguments.of(new RateLimited(Duration.ofMillis(1500)), 429, "requests", "rate_limit_exceeded", null),
                Arguments.of(new ShuttingDown(), 503, "server_error", "shutting_down", null),
                Arguments.of(new SchemaNotHonoured("no"), 502, "server_error", "schema_not_honoured", null),
                Arguments.of(new UpstreamFailed("no"), 502, "server_error", "upstream_failed", null),
                Arguments.of(new UpstreamProtocol("no"), 502, "server_error", "upstream_protocol_error", null));
    }

    @ParameterizedTest
    @MethodSource("failures")
    void mapsEachFailureToItsErrorBody(LlmFailure failure, int status, String type, String code, String param) {
        FailureResponse response = FailureResponse.of(failure);
        JsonNode error = error(response);

        assertThat(response.status().value()).isEqualTo(status);
        assertThat(error.path("message").asString()).isEqualTo(failure.message());
        assertThat(error.path("type").asString()).isEqualTo(type);
        assertThat(error.path("code").asString(null)).isEqualTo(code);
        assertThat(error.path("param").asString(null)).isEqualTo(param);
        assertThat(headers(failure).containsHeader("Retry-After")).isEqualTo(status == 503 || status == 429);
    }

    @Test
    void sendsRetryHeadersForARateLimit() {
        HttpHeaders headers = headers(new RateLimited(Duration.ofMillis(1500)));

        assertThat(headers.getFirst("Retry-After")).isEqualTo("2");
        assertThat(headers.getFirst("retry-after-ms")).isEqualTo("1500");
        assertThat(headers.getFirst("x-should-retry")).isEqualTo("true");
    }

    @Test
    void sendsTheOpenDurationOfACircuit() {
        HttpHeaders headers = headers(new UpstreamUnavailable("no", Duration.ofMillis(8200)));

        assertThat(headers.getFirst("Retry-After")).isEqualTo("9");
        assertThat(headers.getFirst("retry-after-ms")).isEqualTo("8200");
        assertThat(headers.getFirst("x-should-retry")).isEqualTo("true");
        assertThat(headers(new UpstreamUnavailable("no", Duration.ofMinutes(2))).getFirst("x-should-retry"))
                .isEqualTo("false");
        assertThat(headers(new UpstreamUnavailable("no")).getFirst("Retry-After"))
                .isEqualTo("5");
    }

    @Test
    void forbidsRetriesOfSlowGenerations() {
        assertThat(headers(new RateLimited(Duration.ofSeconds(21))).getFirst("x-should-retry"))
                .isEqualTo("false");
        assertThat(headers(new DeadlineExceeded(Deadline.TOTAL, "no")).getFirst("x-should-retry"))
                .isEqualTo("false");
        assertThat(headers(new DeadlineExceeded(Deadline.CONNECT, "no")).getFirst("x-should-retry"))
                .isEqualTo("true");
    }

    @Test
    void isTheFormatOfPathsOfOpenAi() {
        OpenAiErrors errors = new OpenAiErrors();

        assertThat(errors.matches("/v1/models", name -> null)).isTrue();
        assertThat(errors.matches("/health", name -> null)).isFalse();
        assertThat(errors.headerNames()).contains("retry-after-ms", "x-should-retry", "x-ratelimit-remaining-requests");
    }

    @Test
    void coversEveryKindOfFailure() {
        assertThat(failures().map(arguments -> arguments.get()[0].getClass().getName()))
                .containsExactlyInAnyOrderElementsOf(Arrays.stream(LlmFailure.class.getPermittedSubclasses())
                        .map(Class::getName)
                        .toList());
    }

    @Test
    void writesValidJsonForAnyMessage() {
        FailureResponse response = FailureResponse.of(new InvalidRequest(null, "\"quoted\" \\ \n 안녕 \ud83d"));

        assertThat(error(response).path("message").asString()).isEqualTo("\"quoted\" \\ \n 안녕 \ufffd");
    }

    /** The exact bytes that clients have always got. */
    @Test
    void writesTheFieldsInOpenAisOrder() {
        assertThat(new OpenAiErrors().body(FailureResponse.of(new UnknownModel("m"))))
                .asString(StandardCharsets.UTF_8)
                .isEqualTo("{\"error\":{\"message\":\"The model 'm' does not exist or is not allowed here.\","
                        + "\"type\":\"invalid_request_error\",\"param\":\"model\",\"code\":\"model_not_found\"}}");
        assertThat(new OpenAiErrors().body(FailureResponse.ofStatus(HttpStatus.NOT_FOUND, "no")))
                .asString(StandardCharsets.UTF_8)
                .isEqualTo("{\"error\":{\"message\":\"no\",\"type\":\"invalid_request_error\","
                        + "\"param\":null,\"code\":null}}");
    }

    private static JsonNode error(FailureResponse failure) {
        return JsonMapper.shared().readTree(new OpenAiErrors().body(failure)).path("error");
    }

    private static HttpHeaders headers(LlmFailure failure) {
        HttpHeaders headers = new HttpHeaders();
        new OpenAiErrors().writeRetryHeaders(FailureResponse.of(failure).retry(), headers);
        return headers;
    }
}
