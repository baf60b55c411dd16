package dev.localllm.ollama;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.localllm.core.chat.ChatRequest;
import dev.localllm.core.chat.GenerationOptions;
import dev.localllm.core.chat.Message;
import dev.localllm.core.chat.Part;
import dev.localllm.core.chat.ResponseFormat;
import dev.localllm.core.chat.Role;
import dev.localllm.core.chat.Thinking;
import dev.localllm.core.chat.ToolChoice;
import dev.localllm.core.chat.ToolDefinition;
import dev.localllm.core.failure.LlmException;
import dev.localllm.core.failure.LlmFailure;
import dev.localllm.core.failure.LlmFailure.InvalidRequest;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Locale;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;
import tools.jackson.databind.node.StringNode;

/** Compares the bodies for /api/chat with recorded requests. */
class ChatBodiesTest {

    private static final OllamaSettings SETTINGS = Answers.settings(URI.create("http://127.0.0.1:11434"));
    private static final Message QUESTION = new Message(Role.USER, "Once upon a time");

    @Test
    void sendsTextAndNoUnsetOptions() {
        ChatRequest request = chat(
                new Message(Role.SYSTEM, "Be kind."),
                new Message(Role.USER, List.of(new Part.Text("Once"), new Part.Text("upon"))),
                new Message(Role.ASSISTANT, "안녕"),
                new Message(Role.USER, List.of()));

        assertThat(new String(bytes(request), StandardCharsets.UTF_8))
                .isEqualTo("{\"model\":\"simulator\",\"messages\":[{\"role\":\"system\",\"content\":\"Be kind.\"},"
                        + "{\"role\":\"user\",\"content\":\"Once\\nupon\"},{\"role\":\"assistant\",\"content\":\"안녕\"},"
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

        assertThat(removeId(messages.path(1).path("tool_calls").path(0), "id")).isEqualTo("call_1");
        assertThat(removeId(messages.path(2), "tool_call_id")).isEqualTo("call_1");
        assertThat(messages).isEqualTo(recorded("04-tools-result").path("messages"));
    }

    /** The calls are sent as the recorded answer has them, which the next request repeats. */
    @Test
    void sendsSeveralCallsAndTheirResults() {
        JsonNode recorded = JsonMapper.shared()
                .readTree(Recording.load("04-tools-two-calls-nonstream").body())
                .path("message")
                .path("tool_calls");
        recorded.forEach(call -> ((ObjectNode) call.path("function")).remove("index"));
        JsonNode messages = sent(chat(
                        QUESTION,
                        new Message(
                                Role.ASSISTANT,
                                List.of(
                                        new Part.Text("I look."),
                                        new Part.ToolCall("call_agbpwvx2", "get_weather", "{\"city\":\"Rome\"}"),
                                        new Part.ToolCall("call_wqv9t4ad", "get_time", "{\"zone\":\"Europe/Rome\"}"))),
                        new Message(Role.TOOL, List.of(new Part.ToolResult("call_wqv9t4ad", "get_time", "12:00"))),
                        new Message(Role.TOOL, List.of(new Part.ToolResult("call_agbpwvx2", "get_weather", "18")))))
                .path("messages");

        assertThat(messages.path(1).path("content").stringValue()).isEqualTo("I look.");
        assertThat(messages.path(1).path("tool_calls")).isEqualTo(recorded);
        assertThat(messages.path(2).toString())
                .isEqualTo(
                        "{\"role\":\"tool\",\"content\":\"12:00\",\"tool_name\":\"get_time\",\"tool_call_id\":\"call_wqv9t4ad\"}");
        assertThat(messages.path(3).toString())
                .isEqualTo(
                        "{\"role\":\"tool\",\"content\":\"18\",\"tool_name\":\"get_weather\",\"tool_call_id\":\"call_agbpwvx2\"}");
    }

    @Test
    void keepsTheDigitsOfNumbers() {
        String arguments = "{\"a\":1E+400,\"b\":0.1234567890123456789012}";

        assertThat(new String(
                        bytes(chat(
                                QUESTION,
                                new Message(Role.ASSISTANT, List.of(new Part.ToolCall("call_1", "f", arguments))))),
                        StandardCharsets.UTF_8))
                .contains("\"arguments\":" + arguments);
    }

    /** Removes the id: it is part of Ollama's API, but not of the recordings. */
    private static String removeId(JsonNode object, String field) {
        return ((ObjectNode) object).remove(field).stringValue();
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "[]", "null", "\"{}\"", "{", "{} {}", "{'a':1}"})
    void refusesArgumentsThatAreNotAnObject(String arguments) {
        Message call = new Message(Role.ASSISTANT, List.of(new Part.ToolCall("call_1", "f", arguments)));

        assertThat(refusal(chat(QUESTION, call)))
                .isEqualTo(new InvalidRequest(
                        null, "arguments of the tool call 'call_1': not understood (expected: a JSON object)"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"04-tools-stream", "04-tools-two-calls-stream"})
    void sendsTools(String name) {
        JsonNode recorded = recorded(name).path("tools");
        List<ToolDefinition> tools = recorded.valueStream()
                .map(tool -> tool.path("function"))
                .map(function -> new ToolDefinition(
                        function.path("name").stringValue(),
                        function.path("description").stringValue(),
                        function.path("parameters").toString()))
                .toList();

        assertThat(sent(chat(tools, new ToolChoice.Auto())).path("tools")).isEqualTo(recorded);
        assertThat(sent(chat(tools, new ToolChoice.None())).has("tools")).isFalse();
    }

    @Test
    void sendsNoDescriptionIfAToolHasNone() {
        ToolDefinition tool = new ToolDefinition("now", null, "{\"type\":\"object\"}");

        assertThat(sent(chat(List.of(tool), new ToolChoice.Auto()))
                        .path("tools")
                        .toString())
                .isEqualTo(
                        "[{\"type\":\"function\",\"function\":{\"name\":\"now\",\"parameters\":{\"type\":\"object\"}}}]");
    }

    @ParameterizedTest
    @CsvSource({"02-chat-stream", "02-chat-format-json", "02-chat-format-schema-stream"})
    void sendsTheFormat(String name) {
        JsonNode recorded = recorded(name).path("format");
        ResponseFormat format = recorded.isObject()
                ? new ResponseFormat.JsonSchema(recorded.toString())
                : recorded.isString() ? new ResponseFormat.Json() : new ResponseFormat.Text();

        assertThat(sent(chat(format, Thinking.MODEL_DEFAULT)).path("format")).isEqualTo(recorded);
    }

    @ParameterizedTest
    @CsvSource({
        "MODEL_DEFAULT, 03-think-default",
        "OFF, 03-think-false",
        "ON, 03-think-true",
        "HIGH, 03-think-high",
        "LOW,",
        "MEDIUM,",
        "MAX,"
    })
    void sendsTheThinkingLevel(Thinking thinking, @Nullable String name) {
        JsonNode expected = name == null
                ? StringNode.valueOf(thinking.name().toLowerCase(Locale.ROOT))
                : recorded(name).path("think");

        assertThat(sent(chat(new ResponseFormat.Text(), thinking)).path("think"))
                .isEqualTo(expected);
    }

    /** The recorded refusal of an unknown level names all levels. */
    @Test
    void supportsEveryThinkingLevelOfOllama() {
        String error = new String(Recording.load("03-think-bad").body(), StandardCharsets.UTF_8);

        assertThat(Pattern.compile("\\\\\"(\\w+)\\\\\"")
                        .matcher(error.substring(error.indexOf("must be")))
                        .results()
                        .map(match -> Thinking.valueOf(match.group(1).toUpperCase(Locale.ROOT))))
                .containsExactlyInAnyOrder(Thinking.LOW, Thinking.MEDIUM, Thinking.HIGH, Thinking.MAX);
    }

    @ParameterizedTest
    @CsvSource({"2, 02-chat-logprobs", "0, 02-chat-logprobs-nonstream", ", 02-chat-stream"})
    void sendsLogprobs(@Nullable Integer alternatives, String name) {
        GenerationOptions options =
                new GenerationOptions(null, null, null, null, null, null, null, null, List.of(), null, alternatives);
        JsonNode sent = sent(new ChatRequest(List.of(QUESTION), options));

        assertThat(sent.path("logprobs")).isEqualTo(recorded(name).path("logprobs"));
        assertThat(sent.path("top_logprobs")).isEqualTo(recorded(name).path("top_logprobs"));
    }

    @Test
    void refusesSchemasThatAreNotAnObject() {
        ToolDefinition tool = new ToolDefinition("now", null, "x");

        assertThat(refusal(chat(List.of(tool), new ToolChoice.Auto())).message())
                .isEqualTo("schema of the tool 'now': not understood (expected: a JSON object)");
        assertThat(refusal(chat(new ResponseFormat.JsonSchema("true"), Thinking.MODEL_DEFAULT))
                        .message())
                .isEqualTo("schema of the response format: not understood (expected: a JSON object)");
    }

    @Test
    void opensNothingThatOllamaCannotServe() {
        try (Ollama ollama = new Ollama(SETTINGS, System::nanoTime)) {
            ChatRequest request = chat(List.of(), new ToolChoice.Required());

            assertThatThrownBy(() -> ollama.chatModel().open(Answers.MODEL, request))
                    .isInstanceOfSatisfying(
                            LlmException.class, e -> assertThat(e.failure()).isInstanceOf(InvalidRequest.class));
        }
    }

    private static ChatRequest chat(List<ToolDefinition> tools, ToolChoice choice) {
        return new ChatRequest(
                List.of(QUESTION),
                GenerationOptions.DEFAULTS,
                tools,
                choice,
                true,
                new ResponseFormat.Text(),
                Thinking.MODEL_DEFAULT);
    }

    private static ChatRequest chat(ResponseFormat format, Thinking thinking) {
        return new ChatRequest(
                List.of(QUESTION),
                GenerationOptions.DEFAULTS,
                List.of(),
                new ToolChoice.Auto(),
                true,
                format,
                thinking);
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
        return OllamaJson.write(ChatBodies.of(Answers.MODEL, request, null, SETTINGS));
    }

    private static JsonNode recorded(String name) {
        return JsonMapper.shared().readTree(Recording.load(name).requestBody());
    }
}
