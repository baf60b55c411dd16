package dev.localllm.ollama;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

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
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

class ForcedToolTest {

    private static final String SCHEMA =
            "{\"type\":\"object\",\"properties\":{\"city\":{\"type\":\"string\"}},\"required\":[\"city\"]}";
    private static final ToolDefinition WEATHER = new ToolDefinition("get_weather", "weather of a city", SCHEMA);
    private static final ToolDefinition TIME = new ToolDefinition("get_time", null, "{\"type\":\"object\"}");
    private static final String WEATHER_INSTRUCTION = """
            Call the function "get_weather" now.
            What it does: weather of a city
            JSON schema of its arguments: %s
            Answer with the arguments as a JSON object only: no other text, no Markdown.""".formatted(SCHEMA);
    private static final String TIME_INSTRUCTION = """
            Call the function "get_time" now.
            JSON schema of its arguments: {"type":"object"}
            Answer with the arguments as a JSON object only: no other text, no Markdown.""";
    private static final Message QUESTION = new Message(Role.USER, "Hi");
    private static final ResponseFormat TEXT = new ResponseFormat.Text();

    @Test
    void sendsTheSchemaAsTheFormatInsteadOfTools() {
        JsonNode sent = sent(chat(new ToolChoice.Function("get_weather"), TIME, WEATHER));

        assertThat(sent.has("tools")).isFalse();
        assertThat(sent.path("format").toString()).isEqualTo(SCHEMA);
        assertThat(sent.path("messages").toString()).isEqualTo(messages("system", WEATHER_INSTRUCTION, "user", "Hi"));
    }

    @Test
    void forcesTheOnlyToolIfOneIsRequired() {
        JsonNode sent = sent(chat(new ToolChoice.Required(), TIME));

        assertThat(sent.path("format").toString()).isEqualTo(TIME.schema());
        assertThat(sent.path("messages").toString()).isEqualTo(messages("system", TIME_INSTRUCTION, "user", "Hi"));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {"Be kind. | 'Be kind.\n\n'", "'' | ''"})
    void addsTheInstructionToAFirstSystemMessage(String system, String before) {
        JsonNode sent = sent(chat(
                List.of(new Message(Role.SYSTEM, system), QUESTION, new Message(Role.SYSTEM, "Later.")),
                new ToolChoice.Required(),
                TEXT,
                TIME));

        assertThat(sent.path("messages").toString())
                .isEqualTo(messages("system", before + TIME_INSTRUCTION, "user", "Hi", "system", "Later."));
    }

    @Test
    void keepsTheHistory() {
        List<Message> history = List.of(
                QUESTION,
                new Message(Role.ASSISTANT, List.of(new Part.ToolCall("call_1", "get_time", "{}"))),
                new Message(Role.TOOL, List.of(new Part.ToolResult("call_1", "get_time", "12:00"))));
        JsonNode plain = sent(chat(history, new ToolChoice.Auto(), TEXT, TIME)).path("messages");
        JsonNode forced =
                sent(chat(history, new ToolChoice.Required(), TEXT, TIME)).path("messages");

        assertThat(forced.valueStream().skip(1))
                .containsExactlyElementsOf(plain.valueStream().toList());
    }

    @Test
    void sendsNeitherStopSequencesNorLogprobs() {
        GenerationOptions options =
                new GenerationOptions(0.5, null, null, null, null, null, null, 9, List.of("}"), 7L, 2);
        JsonNode sent = sent(new ChatRequest(
                List.of(QUESTION), options, List.of(TIME), new ToolChoice.Required(), true, TEXT, Thinking.HIGH));

        assertThat(sent.path("options").toString())
                .isEqualTo("{\"num_ctx\":8192,\"num_predict\":9,\"temperature\":0.5,\"seed\":7}");
        assertThat(sent.has("logprobs")).isFalse();
        assertThat(sent.has("top_logprobs")).isFalse();
        assertThat(sent.path("think").stringValue()).isEqualTo("high");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "{} | {\"type\":\"object\"}",
                "{\"properties\":{}} | {\"properties\":{},\"type\":\"object\"}",
                "{\"type\":[\"object\",\"null\"]} | {\"type\":\"object\"}"
            })
    void demandsAnObjectEvenIfTheSchemaDoesNot(String schema, String format) {
        assertThat(sent(chat(new ToolChoice.Required(), new ToolDefinition("f", null, schema)))
                        .path("format")
                        .toString())
                .isEqualTo(format);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "{\"type\":\"string\"} | schema of the tool 'f': type string at its top (expected for a forced call: type object, with properties)",
                "{\"anyOf\":[{}]} | schema of the tool 'f': anyOf at its top (expected for a forced call: type object, with properties)",
                "{\"type\":\"object\",\"$ref\":\"#/a\"} | schema of the tool 'f': $ref at its top (expected for a forced call: type object, with properties)",
                "[] | schema of the tool 'f': not understood (expected: a JSON object)"
            })
    void refusesSchemasOfOtherTypes(String schema, String message) {
        assertThat(refusal(chat(new ToolChoice.Required(), new ToolDefinition("f", null, schema))))
                .isEqualTo(new InvalidRequest(null, message));
    }

    @Test
    void refusesAFunctionThatIsNoTool() {
        assertThat(refusal(chat(new ToolChoice.Function("get_tim"), TIME, WEATHER)))
                .isEqualTo(new InvalidRequest(
                        "tool_choice", "tool_choice: 'get_tim' (expected: the name of one of the tools)"));
    }

    @Test
    void refusesToRequireOneOfSeveralTools() {
        assertThat(refusal(chat(new ToolChoice.Required(), TIME, WEATHER)))
                .isEqualTo(
                        new InvalidRequest(
                                "tool_choice",
                                "tool_choice: required, with 2 tools, but the model server can only require the call of a certain one (expected: exactly one tool, or the function's name)"));
        assertThat(refusal(chat(new ToolChoice.Required()))).isInstanceOf(InvalidRequest.class);
    }

    /** A grammar would keep the model from calling tools, which nobody would notice. */
    @Test
    void refusesToolsTogetherWithAFormat() {
        InvalidRequest refused = new InvalidRequest(
                "response_format",
                "response_format: not supported together with tools, as a model whose answer has a format calls none"
                        + " (expected: text, or tool_choice none)");

        for (ToolChoice choice :
                List.of(new ToolChoice.Auto(), new ToolChoice.Required(), new ToolChoice.Function("get_time"))) {
            assertThat(refusal(chat(List.of(QUESTION), choice, new ResponseFormat.Json(), TIME)))
                    .isEqualTo(refused);
            assertThat(refusal(chat(List.of(QUESTION), choice, new ResponseFormat.JsonSchema("{}"), TIME)))
                    .isEqualTo(refused);
        }
        assertThat(ForcedTool.of(chat(List.of(QUESTION), new ToolChoice.None(), new ResponseFormat.Json(), TIME)))
                .isNull();
        assertThat(ForcedTool.of(chat(List.of(QUESTION), new ToolChoice.Auto(), new ResponseFormat.Json())))
                .isNull();
    }

    private static ChatRequest chat(ToolChoice choice, ToolDefinition... tools) {
        return chat(List.of(QUESTION), choice, TEXT, tools);
    }

    private static ChatRequest chat(
            List<Message> messages, ToolChoice choice, ResponseFormat format, ToolDefinition... tools) {
        return new ChatRequest(
                messages, GenerationOptions.DEFAULTS, List.of(tools), choice, true, format, Thinking.MODEL_DEFAULT);
    }

    /** Pairs of role and content. */
    private static String messages(String... pairs) {
        StringBuilder json = new StringBuilder("[");
        for (int i = 0; i < pairs.length; i += 2) {
            json.append(i == 0 ? "" : ",")
                    .append("{\"role\":\"%s\",\"content\":".formatted(pairs[i]))
                    .append(JsonMapper.shared().writeValueAsString(pairs[i + 1]))
                    .append('}');
        }
        return json.append(']').toString();
    }

    private static LlmFailure refusal(ChatRequest request) {
        return assertThatExceptionOfType(LlmException.class)
                .isThrownBy(() -> sent(request))
                .actual()
                .failure();
    }

    private static JsonNode sent(ChatRequest request) {
        ForcedTool forced = ForcedTool.of(request);
        OllamaSettings settings = Answers.settings(URI.create("http://127.0.0.1:11434"));
        return JsonMapper.shared().readTree(OllamaJson.write(ChatBodies.of(Answers.MODEL, request, forced, settings)));
    }
}
