package dev.localllm.api.openai.chat;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.localllm.api.json.UnknownFields;
import dev.localllm.api.openai.LoadOptions;
import dev.localllm.api.schema.SchemaDemand;
import dev.localllm.core.catalog.ModelId;
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
import dev.localllm.core.failure.LlmFailure.InvalidRequest;
import java.io.ByteArrayInputStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

class CompletionReaderTest {

    private static final String HI = "\"messages\":[{\"role\":\"user\",\"content\":\"Hi\"}]";
    private static final List<Message> ONLY_HI = List.of(new Message(Role.USER, "Hi"));

    private static final String PNG = "iVBORw0KGgoAAAANSUhEUgAAAAE=";

    @Test
    void readsAllFields() {
        ChatBody request = parse("""
                {"model":"tiny","stream":true,"stream_options":{"include_usage":true,"include_obfuscation":false},
                "messages":[{"role":"system","content":"a"},{"role":"developer","content":"b"},
                {"role":"user","content":[{"type":"text","text":"c"},
                {"type":"image_url","image_url":{"url":"data:image/png;base64,PNG"}}]},
                {"role":"assistant","content":null,"refusal":"d","tool_calls":[{"id":"1","type":"function","index":0,
                "function":{"name":"f","arguments":"{\\"x\\":1}"}}]},
                {"role":"tool","tool_call_id":"1","content":[{"type":"text","text":"e"},{"type":"text","text":"f"}]},
                {"role":"assistant","content":[{"type":"refusal","refusal":"g"}]}],
                "temperature":2,"top_p":1,"top_k":1,"min_p":0,"repeat_penalty":1.1,"max_tokens":1,"stop":["x","y"],
                "seed":-9223372036854775808,"frequency_penalty":-2,"presence_penalty":2,"logprobs":true,"top_logprobs":20,
                "tools":[{"type":"function","function":{"name":"f","description":"h","parameters":{"type":"object"},
                "strict":true}},{"type":"function","function":{"name":"g"}}],
                "tool_choice":{"type":"function","function":{"name":"g"}},"parallel_tool_calls":false,
                "response_format":{"type":"json_schema","json_schema":{"name":"n","schema":{"type":"array"},"strict":true}},
                "reasoning_effort":"xhigh","chat_template_kwargs":{"enable_thinking":true},"num_ctx":4096,
                "keep_alive":"5m"}""".replace("PNG", PNG));

        assertThat(request)
                .isEqualTo(new ChatBody(
                        new ModelId("tiny"),
                        new ChatRequest(
                                List.of(
                                        new Message(Role.SYSTEM, "a"),
                                        new Message(Role.SYSTEM, "b"),
                                        new Message(Role.USER, List.of(new Part.Text("c"), new Part.Image(PNG))),
                                        new Message(
                                                Role.ASSISTANT,
                                                List.of(new Part.Text("d"), new Part.ToolCall("1", "f", "{\"x\":1}"))),
                                        new Message(Role.TOOL, List.of(new Part.ToolResult("1", "f", "e\nf"))),
                                        new Message(Role.ASSISTANT, "g")),
                                new GenerationOptions(
                                        2.0, 1.0, 1, 0.0, 1.1, -2.0, 2.0, 1, List.of("x", "y"), Long.MIN_VALUE, 20),
                                List.of(
                                        new ToolDefinition("f", "h", "{\"type\":\"object\"}"),
                                        new ToolDefinition("g", null, "{\"type\":\"object\",\"properties\":{}}")),
                                new ToolChoice.Function("g"),
                                false,
                                new ResponseFormat.JsonSchema("{\"type\":\"array\"}"),
                                Thinking.MAX),
                        true,
                        true,
                        List.of(
                                SchemaDemand.ofArguments(
                                        "f", "tools[0].function.parameters", json("{\"type\":\"object\"}")),
                                SchemaDemand.ofAnswer(
                                        "response_format.json_schema.schema", json("{\"type\":\"array\"}"), false)),
                        List.of("stop", "logprobs", "top_logprobs")));
    }

    @Test
    void requiresOnlyMessages() {
        assertThat(parse("{" + HI + "}"))
                .isEqualTo(new ChatBody(
                        null,
                        new ChatRequest(ONLY_HI, GenerationOptions.DEFAULTS),
                        false,
                        false,
                        List.of(),
                        List.of()));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "reasoning_effort | none | OFF",
                "reasoning_effort | minimal | LOW",
                "reasoning_effort | low | LOW",
                "reasoning_effort | medium | MEDIUM",
                "reasoning_effort | high | HIGH",
                "reasoning_effort | xhigh | MAX"
            })
    void readsTheReasoningEffort(String field, String value, Thinking expected) {
        assertThat(parse("{\"" + field + "\":\"" + value + "\"," + HI + "}")
                        .request()
                        .thinking())
                .isEqualTo(expected);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "true | | ON",
                "false | | OFF",
                "true | \"reasoning_effort\":\"low\", | LOW",
                "false | \"reasoning_effort\":\"none\", | OFF"
            })
    void readsWhetherToThink(boolean enabled, @Nullable String effort, Thinking expected) {
        String json = "{" + (effort == null ? "" : effort) + "\"chat_template_kwargs\":{\"enable_thinking\":" + enabled
                + "}," + HI + "}";

        assertThat(parse(json).request().thinking()).isEqualTo(expected);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "\"auto\" | Auto[]",
                "\"none\" | None[]",
                "\"required\" | Required[]",
                "{\"type\":\"function\",\"function\":{\"name\":\"f\"}} | Function[name=f]",
                "null | Auto[]"
            })
    void readsTheToolChoice(String choice, String expected) {
        String json = "{\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"f\"}}],\"tool_choice\":" + choice
                + "," + HI + "}";

        assertThat(parse(json).request().toolChoice()).hasToString(expected);
    }

    @ParameterizedTest
    @ValueSource(strings = {"\"5m\"", "\"300s\"", "300"})
    void acceptsTheConfiguredTimeToKeepAModel(String keepAlive) {
        assertThat(parse("{\"keep_alive\":" + keepAlive + "," + HI + "}").ignoredFields())
                .isEmpty();
    }

    @ParameterizedTest
    @ValueSource(strings = {"\"-1\"", "-1", "\"-5m\""})
    void acceptsForEver(String keepAlive) {
        String json = "{\"keep_alive\":" + keepAlive + "," + HI + "}";
        CompletionReader forEver =
                new CompletionReader(UnknownFields.REFUSE, new LoadOptions(4096, Duration.ofSeconds(-1)));
        boolean withoutUnit = keepAlive.equals("\"-1\"");

        assertThatCode(() -> forEver.read(stream(json)))
                .satisfies(fault -> assertThat(fault == null).isEqualTo(!withoutUnit));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "iVBORw0KGgoAAAANSUhEUgAAAAE=",
                "/9j/4AAQSkZJRgABAQAAAQABAAD=",
                "R0lGODlhAQABAIAAAAUEBAAAACw=",
                "UklGRiQAAABXRUJQVlA4IBgAAAA="
            })
    void readsImagesOfKnownTypes(String base64) {
        assertThat(parse(image("data:image/x;base64," + base64))
                        .request()
                        .messages()
                        .getFirst()
                        .parts())
                .containsExactly(new Part.Image(base64));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "http://example.com/a.png",
                "https://example.com/a.png",
                "data:text/plain;base64,iVBORw0KGgoAAAANSUhEUgAAAAE=",
                "data:image/png,iVBORw0KGgoAAAANSUhEUgAAAAE=",
                "data:image/png;base64,",
                "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAE",
                "data:image/png;base64,iVBORw0KGgoAAAANSUhEUg-AAAE=",
                "data:image/png;base64,iVBORw0KGgoAAAANSUhEUg==AAE=",
                "data:image/png;base64,AAAAAAAAAAAAAAAAAAAAAA==",
                "data:image/svg+xml;base64,PHN2ZyB4bWxucz0iaHR0cDovL3d3dy53My4="
            })
    void refusesOtherImages(String url) {
        assertThat(assertRefused(image(url), "messages[0].content[0].image_url.url"))
                .contains("expected: a data URL");
    }

    private static String image(String url) {
        return "{\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"image_url\",\"image_url\":{\"url\":\"" + url
                + "\"}}]}]}";
    }

    /** A stop sequence may truncate the JSON. */
    @Test
    void demandsNothingStrictlyOfAnAnswerWithStopSequences() {
        String format =
                "\"response_format\":{\"type\":\"json_schema\",\"json_schema\":{\"name\":\"n\",\"schema\":{},\"strict\":true}}";

        assertThat(parse("{" + format + "," + HI + "}").demands().getFirst().strict())
                .isTrue();
        assertThat(parse("{\"stop\":\"}\"," + format + "," + HI + "}")
                        .demands()
                        .getFirst()
                        .strict())
                .isFalse();
    }

    @Test
    void namesIgnoredFields() {
        assertThat(parse("""
                {"temprature":1,"stream":true,"stream_options":{"x":1},"messages":[{"role":"user","name":"a","tool_calls":[],
                "content":[{"type":"text","text":"b","cache_control":{}}]},
                {"role":"assistant","content":"c","reasoning_content":"d","tool_calls":[{"id":"1","type":"function",
                "function":{"name":"f","arguments":""}}]},{"role":"tool","name":"f","tool_call_id":"1","content":"e"}]}""").ignoredFields())
                .containsExactlyInAnyOrder(
                        "temprature",
                        "stream_options.x",
                        "messages[0].name",
                        "messages[0].tool_calls",
                        "messages[0].content[0].cache_control",
                        "messages[1].reasoning_content");
    }

    @ParameterizedTest
    @CsvSource({"5, null, 5", "null, 7, 7", "5, 7, 7", "7, 5, 5", "2147483647, null, 2147483647"})
    void prefersTheNewerNameOfTheLimit(String older, String newer, int expected) {
        String limits = "\"max_tokens\":" + older + ",\"max_completion_tokens\":" + newer;

        assertThat(parse("{" + limits + "," + HI + "}").request().options().maxTokens())
                .isEqualTo(expected);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "\"user\":\"me\"",
                "\"safety_identifier\":\"me\"",
                "\"metadata\":{\"a\":\"b\"}",
                "\"store\":false",
                "\"logprobs\":false",
                "\"n\":1",
                "\"logit_bias\":{}",
                "\"tools\":[]",
                "\"functions\":[]",
                "\"tool_choice\":\"auto\"",
                "\"function_call\":\"none\"",
                "\"service_tier\":\"flex\"",
                "\"prompt_cache_key\":\"a\"",
                "\"prediction\":{\"type\":\"content\"}",
                "\"verbosity\":\"medium\"",
                "\"top_logprobs\":0",
                "\"parallel_tool_calls\":true",
                "\"response_format\":{\"type\":\"text\"}",
                "\"modalities\":[\"text\"]",
                "\"stream\":true,\"stream_options\":{}"
            })
    void ignoresFieldsWithoutAnEffect(String field) {
        ChatBody request = parse("{" + field + "," + HI + "}");

        assertThat(request.request()).isEqualTo(new ChatRequest(ONLY_HI, GenerationOptions.DEFAULTS));
        assertThat(request.includeUsage()).isFalse();
        assertThat(request.ignoredFields()).isEmpty();
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "user | \"user\":5",
                "safety_identifier | \"safety_identifier\":5",
                "metadata | \"metadata\":\"a\"",
                "store | \"store\":true",
                "store | \"store\":0",
                "top_logprobs | \"top_logprobs\":1",
                "top_logprobs | \"logprobs\":true,\"top_logprobs\":21",
                "n | \"n\":2",
                "n | \"n\":1.0",
                "n | \"n\":4294967297",
                "n | \"n\":99999999999999999999999",
                "logit_bias | \"logit_bias\":{\"1\":2}",
                "logit_bias | \"logit_bias\":[]",
                "tools[0].type | \"tools\":[{}]",
                "tools[0].type | \"tools\":[{\"type\":\"custom\"}]",
                "tools[0].function | \"tools\":[{\"type\":\"function\"}]",
                "tools[0].function.name | \"tools\":[{\"type\":\"function\",\"function\":{}}]",
                "tools[0].function.name | \"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"a b\"}}]",
                "tools[0].function.parameters | \"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"a\",\"parameters\":true}}]",
                "tools | \"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"a\"}},{\"type\":\"function\",\"function\":{\"name\":\"a\"}}]",
                "tools | \"tools\":{}",
                "functions | \"functions\":[{}]",
                "functions | \"functions\":{}",
                "tool_choice | \"tool_choice\":\"required\"",
                "tool_choice | \"tool_choice\":\"any\"",
                "tool_choice.type | \"tool_choice\":{\"none\":1}",
                "tool_choice.type | \"tool_choice\":{\"type\":\"allowed_tools\"}",
                "tool_choice | \"tool_choice\":{\"type\":\"function\",\"function\":{\"name\":\"a\"}}",
                "response_format.type | \"response_format\":{}",
                "response_format.type | \"response_format\":{\"type\":\"xml\"}",
                "response_format.json_schema | \"response_format\":{\"type\":\"json_schema\"}",
                "response_format.json_schema.name | \"response_format\":{\"type\":\"json_schema\",\"json_schema\":{}}",
                "response_format.json_schema.schema | \"response_format\":{\"type\":\"json_schema\",\"json_schema\":{\"name\":\"a\"}}",
                "modalities | \"modalities\":[\"audio\"]",
                "modalities | \"modalities\":[\"text\",\"audio\"]",
                "reasoning_effort | \"reasoning_effort\":\"very\"",
                "chat_template_kwargs | \"reasoning_effort\":\"low\",\"chat_template_kwargs\":{\"enable_thinking\":false}",
                "chat_template_kwargs | \"reasoning_effort\":\"none\",\"chat_template_kwargs\":{\"enable_thinking\":true}",
                "num_ctx | \"num_ctx\":8192",
                "keep_alive | \"keep_alive\":\"10m\"",
                "keep_alive | \"keep_alive\":\"soon\"",
                "keep_alive | \"keep_alive\":\"\"",
                "keep_alive | \"keep_alive\":\"-\"",
                "keep_alive | \"keep_alive\":-1",
                "audio | \"audio\":{}",
                "web_search_options | \"web_search_options\":{}",
                "function_call | \"function_call\":{\"name\":\"a\"}",
                "verbosity | \"verbosity\":\"low\"",
                "top_k | \"top_k\":0",
                "min_p | \"min_p\":1.1",
                "repeat_penalty | \"repeat_penalty\":2.1",
                "model | \"model\":\"\"",
                "temperature | \"temperature\":2.1",
                "temperature | \"temperature\":-0.1",
                "top_p | \"top_p\":1.1",
                "top_p | \"top_p\":-0.1",
                "max_tokens | \"max_tokens\":0",
                "max_tokens | \"max_tokens\":2147483648",
                "max_completion_tokens | \"max_completion_tokens\":0",
                "max_completion_tokens | \"max_completion_tokens\":2147483648",
                "stop | \"stop\":[\"a\",\"b\",\"c\",\"d\",\"e\"]",
                "frequency_penalty | \"frequency_penalty\":-2.1",
                "frequency_penalty | \"frequency_penalty\":2.1",
                "presence_penalty | \"presence_penalty\":-2.1",
                "presence_penalty | \"presence_penalty\":2.1",
                "stream_options | \"stream_options\":{}",
                "stream_options.include_obfuscation | \"stream\":true,\"stream_options\":{\"include_obfuscation\":true}",
                "stream_options.include_obfuscation | \"stream\":true,\"stream_options\":{\"include_obfuscation\":0}"
            })
    void refusesFieldsThatItCannotObey(String field, String json) {
        assertRefused("{" + json + "," + HI + "}", field);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "messages: missing | {}",
                "messages: an array | {\"messages\":[]}",
                "messages[0].role: missing | {\"messages\":[{\"content\":\"a\"}]}",
                "messages[0].role: \"function\" | {\"messages\":[{\"role\":\"function\",\"content\":\"a\"}]}",
                "messages[0].role: \"other\" | {\"messages\":[{\"role\":\"other\",\"content\":\"a\"}]}",
                "messages[0].tool_call_id: missing | {\"messages\":[{\"role\":\"tool\",\"content\":\"a\"}]}",
                "messages[0].tool_call_id: \"1\" | {\"messages\":[{\"role\":\"tool\",\"tool_call_id\":\"1\",\"content\":\"a\"}]}",
                "messages[0].content: missing | {\"messages\":[{\"role\":\"assistant\"}]}",
                "messages[0].tool_calls[0].id: missing | {\"messages\":[{\"role\":\"assistant\",\"tool_calls\":[{}]}]}",
                "messages[0].tool_calls[0].function.arguments: \"no\" | {\"messages\":[{\"role\":\"assistant\",\"tool_calls\":[{\"id\":\"1\",\"type\":\"function\",\"function\":{\"name\":\"f\",\"arguments\":\"no\"}}]}]}",
                "messages[0].function_call: not | {\"messages\":[{\"role\":\"assistant\",\"content\":\"a\",\"function_call\":{}}]}",
                "messages[0].content[0].type: \"refusal\" | {\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"refusal\"}]}]}",
                "messages[0].content[0].type: \"image_url\" | {\"messages\":[{\"role\":\"system\",\"content\":[{\"type\":\"image_url\"}]}]}",
                "messages[0].content[0].type: \"input_audio\" | {\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"input_audio\"}]}]}",
                "messages[0].content[0].image_url: missing | {\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"image_url\"}]}]}",
                "messages[0].content: missing | {\"messages\":[{\"role\":\"user\"}]}",
                "messages[0].content: 5 | {\"messages\":[{\"role\":\"user\",\"content\":5}]}",
                "messages[0].content[0].text: missing | {\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\"}]}]}"
            })
    void refusesMessagesThatItDoesNotUnderstand(String message, String json) {
        assertThat(assertRefused(json, message.substring(0, message.indexOf(':'))))
                .startsWith(message);
    }

    @Test
    void refusesUnknownFieldsIfConfigured() {
        assertThatExceptionOfType(LlmException.class)
                .isThrownBy(() -> reader(UnknownFields.REFUSE).read(stream("{\"temprature\":1," + HI + "}")))
                .withMessage("temprature: unknown field");
    }

    /** Returns the message of the refusal. */
    private static String assertRefused(String json, String field) {
        String[] message = new String[1];
        assertThatExceptionOfType(LlmException.class)
                .isThrownBy(() -> parse(json))
                .satisfies(e -> assertThat(e.failure()).isInstanceOfSatisfying(InvalidRequest.class, refusal -> {
                    assertThat(refusal.field()).isEqualTo(field);
                    message[0] = refusal.message();
                }));
        return message[0];
    }

    private static ChatBody parse(String json) {
        return reader(UnknownFields.IGNORE).read(stream(json));
    }

    private static CompletionReader reader(UnknownFields unknown) {
        return new CompletionReader(unknown, new LoadOptions(4096, Duration.ofMinutes(5)));
    }

    private static ByteArrayInputStream stream(String json) {
        return new ByteArrayInputStream(json.getBytes(StandardCharsets.UTF_8));
    }

    private static JsonNode json(String text) {
        return JsonMapper.shared().readTree(text);
    }
}
