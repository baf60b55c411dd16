package dev.localllm.ollama;

import static org.assertj.core.api.Assertions.assertThat;

import dev.localllm.core.chat.ChatEvent;
import dev.localllm.core.chat.ChatEvent.Finished;
import dev.localllm.core.chat.ChatEvent.ToolCallDelta;
import dev.localllm.core.chat.ChatRequest;
import dev.localllm.core.chat.FinishReason;
import dev.localllm.core.chat.GenerationOptions;
import dev.localllm.core.chat.Message;
import dev.localllm.core.chat.Part;
import dev.localllm.core.chat.ResponseFormat;
import dev.localllm.core.chat.Role;
import dev.localllm.core.chat.Thinking;
import dev.localllm.core.chat.Timings;
import dev.localllm.core.chat.ToolChoice;
import dev.localllm.core.failure.LlmFailure;
import dev.localllm.core.failure.LlmFailure.ContextLengthExceeded;
import dev.localllm.core.failure.LlmFailure.InvalidRequest;
import dev.localllm.core.failure.LlmFailure.UnknownModel;
import dev.localllm.core.failure.LlmFailure.UnsupportedByModel;
import dev.localllm.core.failure.LlmFailure.UpstreamFailed;
import dev.localllm.core.failure.LlmFailure.UpstreamProtocol;
import dev.localllm.core.failure.LlmFailure.UpstreamUnavailable;
import java.net.URI;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Decodes every recorded response of /api/chat, sent by a server byte for byte. */
class ChatRecordingsTest {

    /** Responses to requests that this client never sends. */
    private static final Map<String, String> LEFT_OUT = Map.of(
            "02-chat-debug-render", "not an answer, but the rendered prompt",
            "16-two-on-one-connection", "two answers in one recording",
            "16-http10-stream", "requested with HTTP/1.0; the body ends with the connection");

    private static final Set<String> BROKEN = Set.of("11-runner-killed-chat-stream", "12-client-disconnect");
    private static final Set<String> LOADS =
            Set.of("01-chat-load", "01-chat-load-stream", "08-unload-chat", "15-unload-while-streaming");

    static Stream<String> answers() {
        return Recording.of("POST /api/chat ").stream()
                .filter(name -> !LEFT_OUT.containsKey(name) && !BROKEN.contains(name) && !LOADS.contains(name))
                .filter(name -> Recording.load(name).status() == 200);
    }

    static Stream<String> refusals() {
        return Recording.of("POST /api/chat ").stream()
                .filter(name -> Recording.load(name).status() != 200);
    }

    @ParameterizedTest
    @MethodSource("answers")
    void decodesTheSameAsAnotherParser(String name) {
        Recording recording = Recording.load(name);
        List<JsonNode> lines =
                recording.lines().stream().map(JsonMapper.shared()::readTree).toList();
        JsonNode last = lines.getLast();

        Answers answer = Answers.from(serve(recording));

        assertThat(answer.failure()).isNull();
        assertThat(answer.text()).isEqualTo(joined(lines, "content"));
        assertThat(answer.thinking()).isEqualTo(joined(lines, "thinking"));
        assertThat(answer.events()).filteredOn(ToolCallDelta.class::isInstance).hasSize(toolCalls(lines));
        assertThat(answer.events().getLast()).isInstanceOfSatisfying(Finished.class, end -> {
            assertThat(end.usage().promptTokens())
                    .isEqualTo(last.path("prompt_eval_count").asInt());
            assertThat(end.usage().completionTokens())
                    .isEqualTo(last.path("eval_count").asInt());
            assertThat(end.usage().cachedPromptTokens()).isNull();
            assertThat(end.timings())
                    .isEqualTo(new Timings(
                            nanos(last, "load_duration"),
                            nanos(last, "prompt_eval_duration"),
                            nanos(last, "eval_duration")));
            assertThat(end.timings().load()).isPositive();
            assertThat(end.reason()).isEqualTo(reason(lines));
        });
    }

    @ParameterizedTest
    @MethodSource("refusals")
    void mapsEveryRefusalToAFailure(String name) {
        Recording recording = Recording.load(name);
        String error =
                JsonMapper.shared().readTree(recording.body()).path("error").asString("");

        LlmFailure failure = Answers.from(serve(recording)).failure();

        assertThat(failure).isNotNull().isInstanceOf(expected(recording.status(), error));
        assertThat(failure.message()).isNotBlank().doesNotContain("{\"error\"");
    }

    @Test
    void reportsThatTheRunnerDiedAfterTheTokens() {
        Recording recording = Recording.load("11-runner-killed-chat-stream");

        Answers answer = Answers.from(serve(recording));

        assertThat(answer.events()).hasSize(recording.lines().size() - 1);
        assertThat(answer.failure())
                .isEqualTo(new UpstreamFailed(
                        "Ollama failed: an error was encountered while running the model: unexpected EOF"));
    }

    @Test
    void reportsAResponseThatEndedEarly() {
        Answers answer = Answers.from(serve(Recording.load("12-client-disconnect")));

        assertThat(answer.events()).isNotEmpty();
        assertThat(answer.failure()).isInstanceOf(UpstreamProtocol.class);
    }

    @ParameterizedTest
    @CsvSource({"01-chat-load", "01-chat-load-stream", "08-unload-chat", "15-unload-while-streaming"})
    void failsIfNothingWasGenerated(String name) {
        assertThat(Answers.from(serve(Recording.load(name))).failure()).isInstanceOf(UpstreamProtocol.class);
    }

    @ParameterizedTest
    @CsvSource({
        "07-host-foreign, OLLAMA_BASE_URL",
        "07-unknown-path, status 404",
        "07-wrong-method, status 405",
        "07-trailing-slash, status 307",
        "16-no-host, status 400"
    })
    void recognisesResponsesThatAreNotOllamas(String name, String words) {
        LlmFailure failure = Answers.from(serve(Recording.load(name))).failure();

        assertThat(failure).isInstanceOf(UpstreamProtocol.class);
        assertThat(failure.detail()).contains(words);
    }

    @Test
    void decodesCompleteToolCalls() {
        List<ChatEvent> events =
                Answers.from(serve(Recording.load("04-tools-two-calls-stream"))).events();

        assertThat(events).hasSize(3);
        assertThat(events.getFirst()).isInstanceOfSatisfying(ToolCallDelta.class, delta -> {
            assertThat(delta.index()).isZero();
            Part.ToolCall call = delta.call();
            assertThat(call.id()).startsWith("call_");
            assertThat(JsonMapper.shared().readTree(call.arguments()).isObject())
                    .isTrue();
        });
    }

    @Test
    void decodesOneCallIfTheRequestWantsNoParallelCalls() {
        ChatRequest request = new ChatRequest(
                List.of(new Message(Role.USER, "Hi")),
                GenerationOptions.DEFAULTS,
                List.of(),
                new ToolChoice.Auto(),
                false,
                new ResponseFormat.Text(),
                Thinking.MODEL_DEFAULT);
        URI server = serve(Recording.load("04-tools-two-calls-stream"));
        try (Ollama ollama = new Ollama(Answers.settings(server), System::nanoTime)) {
            List<ChatEvent> events = Answers.from(ollama, request).events();

            assertThat(events).hasSize(2);
            assertThat(((ToolCallDelta) events.getFirst()).call().function()).isEqualTo("get_weather");
            assertThat(((Finished) events.getLast()).usage().completionTokens()).isEqualTo(7);
        }
    }

    private static URI serve(Recording recording) {
        CannedServer server = new CannedServer(recording.response());
        return server.baseUrl();
    }

    private static Class<? extends LlmFailure> expected(int status, String error) {
        if (status == 404) {
            return UnknownModel.class;
        }
        if (status == 503) {
            return UpstreamUnavailable.class;
        }
        if (status >= 500) {
            return UpstreamFailed.class;
        }
        if (error.contains("context")) {
            return ContextLengthExceeded.class;
        }
        boolean unsupported = error.contains("does not support") || error.contains("cloud is disabled");
        return unsupported ? UnsupportedByModel.class : InvalidRequest.class;
    }

    private static FinishReason reason(List<JsonNode> lines) {
        if (lines.getLast().path("done_reason").asString("").equals("length")) {
            return FinishReason.LENGTH;
        }
        return toolCalls(lines) > 0 ? FinishReason.TOOL_CALLS : FinishReason.STOP;
    }

    private static Duration nanos(JsonNode line, String field) {
        return Duration.ofNanos(line.path(field).asLong());
    }

    private static int toolCalls(List<JsonNode> lines) {
        return lines.stream()
                .mapToInt(line -> line.path("message").path("tool_calls").size())
                .sum();
    }

    private static String joined(List<JsonNode> lines, String field) {
        StringBuilder text = new StringBuilder();
        lines.forEach(line -> text.append(line.path("message").path(field).asString("")));
        return text.toString();
    }
}
