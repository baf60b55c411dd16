package dev.localllm.ollama;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.localllm.core.chat.ChatRequest;
import dev.localllm.core.chat.GenerationOptions;
import dev.localllm.core.chat.Message;
import dev.localllm.core.chat.Part;
import dev.localllm.core.chat.Role;
import dev.localllm.core.failure.LlmException;
import dev.localllm.core.failure.LlmFailure;
import dev.localllm.core.failure.LlmFailure.InvalidRequest;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/** What is sent to /api/chat, compared with recorded requests. */
class ChatBodiesTest {

    private static final OllamaSettings SETTINGS = Answers.settings(URI.create("http://127.0.0.1:11434"));
    private static final Message QUESTION = new Message(Role.USER, "Once upon a time");

    @Test
    void sendsTextAndNothingThatNobodyAskedFor() {
        ChatRequest request = chat(
                new Message(Role.SYSTEM, "Be kind."),
                new Message(Role.USER, List.of(new Part.Text("Once "), new Part.Text("upon"))),
                new Message(Role.ASSISTANT, "안녕"),
                new Message(Role.USER, List.of()));

        assertThat(new String(bytes(request), StandardCharsets.UTF_8))
                .isEqualTo("{\"model\":\"simulator\",\"messages\":[{\"role\":\"system\",\"content\":\"Be kind.\"},"
                        + "{\"role\":\"user\",\"content\":\"Once upon\"},{\"role\":\"assistant\",\"content\":\"안녕\"},"
                        + "{\"role\":\"user\",\"content\":\"\"}],\"stream\":true,\"truncate\":false,\"shift\":false,"
                        + "\"keep_alive\":\"300s\",\"options\":{\"num_ctx\":8192}}");
    }

    @Test
    void sendsImages() {
        JsonNode recorded = recorded("04-images-unsupported").path("messages");
        String image = recorded.path(0).path("images").path(0).stringValue();

        JsonNode sent = sent(chat(new Message(Role.USER, List.of(new Part.Text("what"), new Part.Image(image)))));

        assertThat(sent.path("messages")).isEqualTo(recorded);
    }

    @Test
    void sendsCallsAndTheirResults() {
        JsonNode messages = sent(chat(
                        QUESTION,
                        new Message(
                                Role.ASSISTANT,
                                List.of(new Part.ToolCall("call_1", "get_weather", "{\"city\":\"Paris\"}"))),
                        new Message(Role.TOOL, List.of(new Part.ToolResult("call_1", "get_weather", "18")))))
                .path("messages");

        assertThat(idTakenFrom(messages.path(1).path("tool_calls").path(0), "id"))
                .isEqualTo("call_1");
        assertThat(idTakenFrom(messages.path(2), "tool_call_id")).isEqualTo("call_1");
        assertThat(messages).isEqualTo(recorded("04-tools-result").path("messages"));
    }

    /** Ollama knows ids, but the recordings have none. */
    private static String idTakenFrom(JsonNode object, String field) {
        return ((ObjectNode) object).remove(field).stringValue();
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "[]", "null", "\"{}\"", "{", "{} {}", "{'a':1}"})
    void refusesArgumentsThatAreNoObject(String arguments) {
        Message call = new Message(Role.ASSISTANT, List.of(new Part.ToolCall("call_1", "f", arguments)));

        assertThat(refusal(chat(QUESTION, call)))
                .isEqualTo(new InvalidRequest(
                        null, "arguments of the tool call 'call_1': not understood (expected: a JSON object)"));
    }

    private static ChatRequest chat(Message... messages) {
        return new ChatRequest(List.of(messages), GenerationOptions.DEFAULTS);
    }

    private static LlmFailure refusal(ChatRequest request) {
        return assertThatExceptionOfType(LlmException.class)
                .isThrownBy(() -> bytes(request))
                .actual()
                .failure();
    }

    private static JsonNode sent(ChatRequest request) {
        return JsonMapper.shared().readTree(bytes(request));
    }

    private static byte[] bytes(ChatRequest request) {
        return OllamaJson.write(ChatBodies.of(Answers.MODEL, request, SETTINGS));
    }

    private static JsonNode recorded(String name) {
        return JsonMapper.shared().readTree(Recording.load(name).requestBody());
    }
}
