package dev.localllm.ollama;

import static org.assertj.core.api.Assertions.assertThat;

import dev.localllm.core.chat.ChatEvent.Finished;
import dev.localllm.core.chat.ChatEvent.ToolCallDelta;
import dev.localllm.core.chat.ChatRequest;
import dev.localllm.core.chat.FinishReason;
import dev.localllm.core.chat.GenerationOptions;
import dev.localllm.core.chat.Message;
import dev.localllm.core.chat.ResponseFormat;
import dev.localllm.core.chat.Role;
import dev.localllm.core.chat.Thinking;
import dev.localllm.core.chat.ToolChoice;
import dev.localllm.core.chat.ToolDefinition;
import dev.localllm.core.failure.Deadline;
import dev.localllm.core.failure.LlmFailure.DeadlineExceeded;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Answers to a forced call, sent by a server. */
class ForcedAnswersTest {

    private static final ChatRequest REQUEST = new ChatRequest(
            List.of(new Message(Role.USER, "Hi")),
            GenerationOptions.DEFAULTS,
            List.of(new ToolDefinition("get_weather", null, "{}")),
            new ToolChoice.Required(),
            true,
            new ResponseFormat.Text(),
            Thinking.MODEL_DEFAULT);

    @Test
    void givesTheRecordedAnswerAsACall() {
        try (CannedServer server =
                new CannedServer(Recording.load("03-think-format").response())) {
            Answers answer = forced(server, Answers.TIMEOUT);

            assertThat(answer.failure()).isNull();
            assertThat(answer.thinking()).isEqualTo("The user wants an answer, so let me think first.");
            assertThat(answer.text()).isEmpty();
            assertThat(answer.events().get(answer.events().size() - 2))
                    .isInstanceOfSatisfying(
                            ToolCallDelta.class,
                            call -> assertThat(call.call().arguments()).isEqualTo("{\"age\":4,\"ok\":true}"));
            assertThat(answer.events().getLast()).isInstanceOfSatisfying(Finished.class, end -> {
                assertThat(end.reason()).isEqualTo(FinishReason.TOOL_CALLS);
                assertThat(end.usage().completionTokens()).isEqualTo(26);
            });
        }
    }

    @ParameterizedTest
    @CsvSource({"02-chat-natural-stop, SchemaNotHonoured", "12-client-disconnect, UpstreamProtocol"})
    void failsIfTheRecordedAnswerIsNoCompleteObject(String name, String failure) {
        try (CannedServer server = new CannedServer(Recording.load(name).response())) {
            Answers answer = forced(server, Answers.TIMEOUT);

            assertThat(answer.events()).isEmpty();
            assertThat(Objects.requireNonNull(answer.failure()).getClass().getSimpleName())
                    .isEqualTo(failure);
        }
    }

    /** Nothing is emitted, but the model has started. */
    @Test
    void countsTheTextAsProgress() {
        byte[] start =
                "HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n{\"message\":{\"content\":\"{\"},\"done\":false}\n"
                        .getBytes(StandardCharsets.UTF_8);
        try (CannedServer server = new CannedServer(start, false)) {
            Answers answer = forced(server, Duration.ofMillis(200));

            assertThat(answer.events()).isEmpty();
            assertThat(answer.failure())
                    .isInstanceOfSatisfying(
                            DeadlineExceeded.class,
                            failure -> assertThat(failure.deadline()).isEqualTo(Deadline.IDLE));
        }
    }

    private static Answers forced(CannedServer server, Duration idle) {
        OllamaSettings settings = Answers.settings(server.baseUrl(), Answers.TIMEOUT, idle, 1, Duration.ofSeconds(10));
        try (Ollama ollama = new Ollama(settings, System::nanoTime)) {
            return Answers.from(ollama, REQUEST);
        }
    }
}
