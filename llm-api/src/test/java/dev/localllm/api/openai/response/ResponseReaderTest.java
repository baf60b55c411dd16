package dev.localllm.api.openai.response;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.tuple;

import dev.localllm.api.json.UnknownFields;
import dev.localllm.api.openai.LoadOptions;
import dev.localllm.api.openai.OpenAiJson;
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
import dev.localllm.core.prompt.PromptReference;
import java.io.ByteArrayInputStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

class ResponseReaderTest {

    private static final String HI = "\"input\":\"Hi\"";
    private static final List<Message> ONLY_HI = List.of(new Message(Role.USER, "Hi"));
    private static final String TOOL = "{\"type\":\"function\",\"name\":\"f\"}";
    private static final String PNG = "iVBORw0KGgoAAAANSUhEUgAAAAE=";

    @Test
    void readsAllFields() {
        ResponseRequest request = parse("""
                {"model":"tiny","stream":true,"stream_options":{"include_obfuscation":false},"input":"Hi",
                "instructions":"Be brief.","prompt":{"id":"p","version":"2","variables":{"a":"b"}},
                "temperature":2,"top_p":1,"max_output_tokens":1,"top_logprobs":20,"store":false,"background":false,
                "include":["message.output_text.logprobs","reasoning.encrypted_content"],"truncation":"disabled",
                "tools":[{"type":"function","name":"f","description":"h","parameters":{"type":"object"},"strict":true},
                {"type":"function","name":"g","strict":null}],"tool_choice":"none","parallel_tool_calls":false,
                "text":{"verbosity":"medium","format":
                {"type":"json_schema","name":"n","schema":{"type":"array"},"strict":true}},
                "reasoning":{"effort":"xhigh","summary":"auto","generate_summary":"concise"},
                "metadata":{"a":"b"},"user":"me","stop":["x"],"seed":5,"frequency_penalty":-2,"presence_penalty":2,
                "top_k":1,"min_p":0,"repeat_penalty":1.1,"num_ctx":4096,"keep_alive":"5m"}""");

        assertThat(request.model()).isEqualTo(new ModelId("tiny"));
        assertThat(request.stream()).isTrue();
        assertThat(request.request())
                .isEqualTo(new ChatRequest(
                        List.of(new Message(Role.SYSTEM, "Be brief."), new Message(Role.USER, "Hi")),
                        new GenerationOptions(2.0, 1.0, 1, 0.0, 1.1, -2.0, 2.0, 1, List.of("x"), 5L, 20),
                        List.of(
                                new ToolDefinition("f", "h", "{\"type\":\"object\"}"),
                                new ToolDefinition("g", null, "{\"type\":\"object\",\"properties\":{}}")),
                        new ToolChoice.None(),
                        false,
                        new ResponseFormat.JsonSchema("{\"type\":\"array\"}"),
                        Thinking.MAX,
                        new PromptReference("p", "2", Map.of("a", "b"))));
        assertThat(request.demands())
                .extracting(SchemaDemand::function, SchemaDemand::field, SchemaDemand::strict)
                .containsExactly(
                        tuple("f", "tools[0].parameters", true),
                        tuple(null, "text.format.schema", false)); // a stop sequence
        assertThat(request.ignoredFields()).isEmpty();
        assertThat(json(request.echo())).isEqualTo(tree("""
                {"instructions":"Be brief.","max_output_tokens":1,"parallel_tool_calls":false,
                "reasoning":{"effort":"xhigh","summary":"auto"},"temperature":2.0,
                "text":{"format":{"type":"json_schema","name":"n","schema":{"type":"array"},"strict":true}},
                "tool_choice":"none",
                "tools":[{"type":"function","name":"f","description":"h","parameters":{"type":"object"},"strict":true},
                {"type":"function","name":"g","description":null,"parameters":{"type":"object","properties":{}},
                "strict":false}],"top_p":1.0,"user":"me","metadata":{"a":"b"}}"""));
    }

    @Test
    void requiresOnlyTheInput() {
        ResponseRequest request = parse("{" + HI + "}");

        assertThat(request.model()).isNull();
        assertThat(request.stream()).isFalse();
        assertThat(request.request()).isEqualTo(new ChatRequest(ONLY_HI, GenerationOptions.DEFAULTS));
        assertThat(request.demands()).isEmpty();
        assertThat(json(request.echo())).isEqualTo(tree("""
                {"instructions":null,"max_output_tokens":null,"parallel_tool_calls":true,
                "reasoning":{"effort":null,"summary":null},"temperature":null,"text":{"format":{"type":"text"}},
                "tool_choice":"auto","tools":[],"top_p":null,"user":null,"metadata":{}}"""));
    }

    @Test
    void readsAllItems() {
        assertThat(messages("""
                {"role":"system","content":"a"},{"type":"message","role":"developer","content":"b"},
                {"role":"user","content":[{"type":"input_text","text":"c"},
                {"type":"input_image","image_url":"data:image/png;base64,PNG","file_id":null}]},
                {"type":"reasoning","id":"rs_1","status":"completed"},
                {"id":"msg_1","type":"message","status":"completed","role":"assistant","content":[
                {"type":"output_text","text":"d","annotations":[],"logprobs":[{"token":"d"}]},
                {"type":"refusal","refusal":"e"}]},
                {"id":"fc_1","type":"function_call","status":"completed","call_id":"1","name":"f","arguments":"{}"},
                {"type":"reasoning","id":"rs_2","summary":[]},
                {"type":"function_call","call_id":"2","name":"g","arguments":" "},
                {"type":"function_call_output","call_id":"2","output":"h","id":"o","status":"completed"},
                {"type":"function_call_output","call_id":"1","output":[{"type":"input_text","text":"i"},
                {"type":"input_text","text":"j"}]},
                {"type":"function_call","call_id":"3","name":"f","arguments":"{\\"x\\":1}"},
                {"role":"assistant","content":"k"},{"role":"assistant","content":"l"}""".replace("PNG", PNG)))
                .containsExactly(
                        new Message(Role.SYSTEM, "a"),
                        new Message(Role.SYSTEM, "b"),
                        new Message(Role.USER, List.of(new Part.Text("c"), new Part.Image(PNG))),
                        new Message(
                                Role.ASSISTANT,
                                List.of(
                                        new Part.Text("d"),
                                        new Part.Text("e"),
                                        new Part.ToolCall("1", "f", "{}"),
                                        new Part.ToolCall("2", "g", "{}"))),
                        new Message(Role.TOOL, List.of(new Part.ToolResult("2", "g", "h"))),
                        new Message(Role.TOOL, List.of(new Part.ToolResult("1", "f", "i\nj"))),
                        new Message(Role.ASSISTANT, List.of(new Part.ToolCall("3", "f", "{\"x\":1}"))),
                        new Message(Role.ASSISTANT, "k"),
                        new Message(Role.ASSISTANT, "l"));
    }

    @Test
    void beginsANewMessageWithTheNextItemOfAnotherRole() {
        assertThat(messages("{\"role\":\"assistant\",\"content\":\"a\"},{\"role\":\"user\",\"content\":\"b\"}"))
                .containsExactly(new Message(Role.ASSISTANT, "a"), new Message(Role.USER, "b"));
    }

    @ParameterizedTest
    @CsvSource({"none, OFF", "minimal, LOW", "low, LOW", "medium, MEDIUM", "high, HIGH", "xhigh, MAX"})
    void readsTheEffort(String effort, Thinking expected) {
        assertThat(parse("{\"reasoning\":{\"effort\":\"" + effort + "\"}," + HI + "}")
                        .request()
                        .thinking())
                .isEqualTo(expected);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "\"auto\" | Auto[] | \"auto\"",
                "\"none\" | None[] | \"none\"",
                "\"required\" | Required[] | \"required\"",
                "{\"type\":\"function\",\"name\":\"f\"} | Function[name=f] | {\"type\":\"function\",\"name\":\"f\"}",
                "null | Auto[] | \"auto\""
            })
    void readsTheToolChoice(String choice, String expected, String repeated) {
        ResponseRequest request = parse("{\"tools\":[" + TOOL + "],\"tool_choice\":" + choice + "," + HI + "}");

        assertThat(request.request().toolChoice()).hasToString(expected);
        assertThat(json(request.echo()).path("tool_choice")).isEqualTo(tree(repeated));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "{\"type\":\"text\"} | Text[]",
                "{\"type\":\"json_object\"} | Json[]",
                "{\"type\":\"json_schema\",\"name\":\"n\",\"schema\":{}} | JsonSchema[schema={}]",
                "null | Text[]"
            })
    void readsTheFormat(String format, String expected) {
        ResponseRequest request = parse("{\"text\":{\"format\":" + format + "}," + HI + "}");

        assertThat(request.request().format()).hasToString(expected);
        assertThat(request.demands()).hasSize(expected.startsWith("Json") ? 1 : 0);
        assertThat(json(request.echo()).at("/text/format"))
                .isEqualTo(tree(format.equals("null") ? "{\"type\":\"text\"}" : format));
    }

    @Test
    void demandsAStrictSchemaOfACompleteAnswer() {
        String format = "\"text\":{\"format\":{\"type\":\"json_schema\",\"name\":\"n\",\"schema\":{},\"strict\":true}}";

        assertThat(parse("{" + format + "," + HI + "}").demands().getFirst().strict())
                .isTrue();
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            nullValues = "-",
            value = {
                "\"top_logprobs\":0 | -",
                "\"include\":[] | -",
                "\"include\":[\"reasoning.encrypted_content\"] | -",
                "\"include\":[\"message.output_text.logprobs\"] | 0",
                "\"include\":[\"message.output_text.logprobs\"],\"top_logprobs\":3 | 3"
            })
    void readsTheLogProbabilities(String fields, Integer expected) {
        assertThat(parse("{" + fields + "," + HI + "}").request().options().topLogprobs())
                .isEqualTo(expected);
    }

    @Test
    void joinsInstructionsToAFirstSystemMessage() {
        List<Message> joined = parse("""
                {"instructions":"a","input":[{"role":"developer","content":"b"},{"role":"user","content":"c"}]}""").request().messages();
        List<Message> apart = parse("""
                {"instructions":"a","input":[{"role":"user","content":"c"},{"role":"system","content":"b"}]}""").request().messages();

        assertThat(joined)
                .containsExactly(
                        new Message(Role.SYSTEM, List.of(new Part.Text("a"), new Part.Text("b"))),
                        new Message(Role.USER, "c"));
        assertThat(apart)
                .containsExactly(
                        new Message(Role.SYSTEM, "a"), new Message(Role.USER, "c"), new Message(Role.SYSTEM, "b"));
        assertThat(parse("{\"instructions\":\"\",\"input\":\"c\"}").request().messages())
                .containsExactly(new Message(Role.USER, "c"));
    }

    @Test
    void keepsAnEmptyTurnOfTheAssistant() {
        assertThat(parse("""
                {"input":[{"role":"user","content":"a"},{"role":"assistant","content":[]},{"role":"user","content":"b"}]}""").request().messages())
                .containsExactly(
                        new Message(Role.USER, "a"), new Message(Role.ASSISTANT, ""), new Message(Role.USER, "b"));
    }

    @Test
    void repeatsOnlyFieldsOfTheFormatThatItKnows() {
        ResponseRequest request = parse("""
                {"input":"a","text":{"format":{"type":"json_schema","name":"n","schema":{"type":"object"},"strict":false,
                "description":"long","more":"long"}}}""");

        assertThat(OpenAiJson.bytes(request.echo()))
                .asString(StandardCharsets.UTF_8)
                .contains(
                        "\"format\":{\"type\":\"json_schema\",\"name\":\"n\",\"schema\":{\"type\":\"object\"},\"strict\":false}")
                .doesNotContain("long");
    }

    @Test
    void namesIgnoredFields() {
        assertThat(parse("""
                {"temprature":1,"tools":[{"type":"function","name":"f","defer_loading":false}],"tool_choice":"required",
                "stop":"x","top_logprobs":1,"include":["message.output_text.logprobs"],
                "text":{"format":{"type":"json_schema","name":"n","schema":{},"description":"d"}},"input":[
                {"role":"user","content":[{"type":"input_image","image_url":"data:image/png;base64,PNG","detail":"auto"}]},
                {"type":"reasoning","summary":[{"type":"summary_text","text":"a"}],"encrypted_content":"b"},
                {"type":"function_call","call_id":"1","name":"f","arguments":"{}","parsed_arguments":{}}]}""".replace("PNG", PNG)).ignoredFields())
                .containsExactlyInAnyOrder(
                        "temprature",
                        "tools[0].defer_loading",
                        "stop",
                        "top_logprobs",
                        "include",
                        "text.format.description",
                        "input[0].content[0].detail",
                        "input[1].summary",
                        "input[1].encrypted_content",
                        "input[2].parsed_arguments");
    }

    @Test
    void usesStopSequencesUnlessACallIsForced() {
        String tools = "\"stop\":\"x\",\"tools\":[" + TOOL + "],\"tool_choice\":";

        assertThat(parse("{" + tools + "\"auto\"," + HI + "}").ignoredFields()).isEmpty();
        assertThat(parse("{" + tools + TOOL + "," + HI + "}").ignoredFields()).containsExactly("stop");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "\"store\":false",
                "\"store\":null",
                "\"background\":false",
                "\"truncation\":\"disabled\"",
                "\"service_tier\":\"auto\"",
                "\"safety_identifier\":\"a\"",
                "\"prompt_cache_key\":\"a\"",
                "\"prompt_cache_retention\":\"24h\"",
                "\"prompt_cache_options\":{}",
                "\"context_management\":[]",
                "\"previous_response_id\":null",
                "\"tools\":[]",
                "\"tool_choice\":\"auto\"",
                "\"text\":{}",
                "\"text\":{\"verbosity\":\"medium\"}",
                "\"reasoning\":{\"summary\":\"detailed\",\"generate_summary\":\"auto\"}",
                "\"include\":[\"reasoning.encrypted_content\"]",
                "\"stream\":true,\"stream_options\":{}"
            })
    void ignoresFieldsWithoutAnEffect(String field) {
        ResponseRequest request = parse("{" + field + "," + HI + "}");

        assertThat(request.request()).isEqualTo(new ChatRequest(ONLY_HI, GenerationOptions.DEFAULTS));
        assertThat(request.ignoredFields()).isEmpty();
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "store | \"store\":true",
                "store | \"store\":0",
                "previous_response_id | \"previous_response_id\":\"resp_1\"",
                "conversation | \"conversation\":\"conv_1\"",
                "background | \"background\":true",
                "max_tool_calls | \"max_tool_calls\":1",
                "truncation | \"truncation\":\"auto\"",
                "truncation | \"truncation\":1",
                "context_management | \"context_management\":[{}]",
                "context_management | \"context_management\":{}",
                "moderation | \"moderation\":{}",
                "include | \"include\":[\"file_search_call.results\"]",
                "top_logprobs | \"top_logprobs\":1",
                "top_logprobs | \"include\":[\"message.output_text.logprobs\"],\"top_logprobs\":21",
                "max_output_tokens | \"max_output_tokens\":0",
                "max_output_tokens | \"max_output_tokens\":2147483648",
                "temperature | \"temperature\":2.1",
                "top_p | \"top_p\":1.1",
                "instructions | \"instructions\":[]",
                "prompt.id | \"prompt\":{}",
                "tools[0].type | \"tools\":[{}]",
                "tools[0].type | \"tools\":[{\"type\":\"web_search\"}]",
                "tools[0].type | \"tools\":[{\"type\":\"mcp\",\"server_label\":\"a\"}]",
                "tools[0].name | \"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"f\"}}]",
                "tool_choice | \"tool_choice\":\"required\"",
                "tool_choice.type | \"tools\":[{\"type\":\"function\",\"name\":\"f\"}],\"tool_choice\":{\"type\":\"allowed_tools\"}",
                "tool_choice.type | \"tools\":[{\"type\":\"function\",\"name\":\"f\"}],\"tool_choice\":{\"type\":\"file_search\"}",
                "tool_choice.name | \"tools\":[{\"type\":\"function\",\"name\":\"f\"}],\"tool_choice\":{\"type\":\"function\"}",
                "text.verbosity | \"text\":{\"verbosity\":\"low\"}",
                "text.format.type | \"text\":{\"format\":{}}",
                "text.format.type | \"text\":{\"format\":{\"type\":\"grammar\"}}",
                "text.format.name | \"text\":{\"format\":{\"type\":\"json_schema\"}}",
                "text.format.schema | \"text\":{\"format\":{\"type\":\"json_schema\",\"name\":\"n\"}}",
                "reasoning.effort | \"reasoning\":{\"effort\":\"very\"}",
                "reasoning.summary | \"reasoning\":{\"summary\":\"none\"}",
                "reasoning.generate_summary | \"reasoning\":{\"generate_summary\":\"none\"}",
                "stream_options | \"stream_options\":{}",
                "stream_options.include_obfuscation | \"stream\":true,\"stream_options\":{\"include_obfuscation\":true}",
                "metadata | \"metadata\":{\"a\":1}",
                "user | \"user\":5",
                "num_ctx | \"num_ctx\":8192"
            })
    void refusesFieldsThatItCannotObey(String field, String json) {
        assertRefused("{" + json + "," + HI + "}", field);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "store: true (expected: only false | \"store\":true",
                "send the earlier items in input) | \"store\":true",
                "send the earlier items in input) | \"previous_response_id\":\"resp_1\"",
                "send the earlier items in input) | \"conversation\":\"conv_1\"",
                "use stream) | \"background\":true"
            })
    void saysWhatToSendInstead(String message, String json) {
        assertThat(assertRefused("{" + json + "," + HI + "}", json.substring(1, json.indexOf("\":"))))
                .contains(message);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "input: missing | -",
                "input: an array | []",
                "input: an array | [{\"type\":\"reasoning\",\"id\":\"a\"}]",
                "input: 5 | 5",
                "input[0]: \"a\" | [\"a\"]",
                "input[0].type: missing | [{\"content\":\"a\"}]",
                "input[0].type: \"web_search_call\" | [{\"type\":\"web_search_call\"}]",
                "input[0].type: \"mcp_call\" | [{\"type\":\"mcp_call\"}]",
                "input[0].type: \"item_reference\" (expected: the item itself | [{\"type\":\"item_reference\",\"id\":\"a\"}]",
                "input[0].role: missing | [{\"type\":\"message\",\"content\":\"a\"}]",
                "input[0].role: \"tool\" | [{\"role\":\"tool\",\"content\":\"a\"}]",
                "input[0].content: missing | [{\"role\":\"user\"}]",
                "input[0].content: 5 | [{\"role\":\"user\",\"content\":5}]",
                "input[0].content[0].type: missing | [{\"role\":\"user\",\"content\":[{}]}]",
                "input[0].content[0].type: \"text\" (expected: input_text or input_image) | [{\"role\":\"user\",\"content\":[{\"type\":\"text\"}]}]",
                "input[0].content[0].type: \"input_file\" | [{\"role\":\"user\",\"content\":[{\"type\":\"input_file\",\"file_id\":\"a\"}]}]",
                "input[0].content[0].type: \"input_audio\" | [{\"role\":\"user\",\"content\":[{\"type\":\"input_audio\"}]}]",
                "input[0].content[0].type: \"output_text\" | [{\"role\":\"user\",\"content\":[{\"type\":\"output_text\",\"text\":\"a\"}]}]",
                "input[0].content[0].type: \"refusal\" | [{\"role\":\"user\",\"content\":[{\"type\":\"refusal\",\"refusal\":\"a\"}]}]",
                "input[0].content[0].type: \"input_image\" (expected: input_text) | [{\"role\":\"system\",\"content\":[{\"type\":\"input_image\"}]}]",
                "input[0].content[0].type: \"input_text\" (expected: output_text or refusal) | [{\"role\":\"assistant\",\"content\":[{\"type\":\"input_text\",\"text\":\"a\"}]}]",
                "input[0].content[0].text: missing | [{\"role\":\"user\",\"content\":[{\"type\":\"input_text\"}]}]",
                "input[0].content[0].refusal: missing | [{\"role\":\"assistant\",\"content\":[{\"type\":\"refusal\"}]}]",
                "input[0].content[0].image_url: missing | [{\"role\":\"user\",\"content\":[{\"type\":\"input_image\"}]}]",
                "input[0].content[0].image_url: \"http://a/b.png\" | [{\"role\":\"user\",\"content\":[{\"type\":\"input_image\",\"image_url\":\"http://a/b.png\"}]}]",
                "input[0].content[0].file_id: \"f\" (expected: absent, as nothing is stored; send image_url | [{\"role\":\"user\",\"content\":[{\"type\":\"input_image\",\"file_id\":\"f\"}]}]",
                "input[0].call_id: missing | [{\"type\":\"function_call\",\"name\":\"f\",\"arguments\":\"{}\"}]",
                "input[0].call_id: missing | [{\"type\":\"function_call\",\"call_id\":\"\",\"name\":\"f\",\"arguments\":\"{}\"}]",
                "input[0].name: missing | [{\"type\":\"function_call\",\"call_id\":\"1\",\"arguments\":\"{}\"}]",
                "input[0].arguments: missing | [{\"type\":\"function_call\",\"call_id\":\"1\",\"name\":\"f\"}]",
                "input[0].arguments: \"[]\" | [{\"type\":\"function_call\",\"call_id\":\"1\",\"name\":\"f\",\"arguments\":\"[]\"}]",
                "input[0].call_id: \"1\" (expected: the call_id of a function_call before it) | [{\"type\":\"function_call_output\",\"call_id\":\"1\",\"output\":\"a\"}]",
                "input[0].call_id: missing | [{\"type\":\"function_call_output\",\"output\":\"a\"}]",
                "input[1].output: missing | [{\"type\":\"function_call\",\"call_id\":\"1\",\"name\":\"f\",\"arguments\":\"{}\"},{\"type\":\"function_call_output\",\"call_id\":\"1\"}]",
                "input[1].output[0].type: \"input_image\" (expected: input_text) | [{\"type\":\"function_call\",\"call_id\":\"1\",\"name\":\"f\",\"arguments\":\"{}\"},{\"type\":\"function_call_output\",\"call_id\":\"1\",\"output\":[{\"type\":\"input_image\"}]}]"
            })
    void refusesInputThatItDoesNotUnderstand(String message, String input) {
        String json = input.equals("-") ? "{}" : "{\"input\":" + input + "}";

        assertThat(assertRefused(json, message.substring(0, message.indexOf(':'))))
                .startsWith(message);
    }

    @Test
    void boundsWhatAnswersRepeat() {
        String longest = "a".repeat(512);
        String labels = IntStream.range(0, 16)
                .mapToObj(i -> "\"" + longest.substring(2) + (10 + i) + "\":\"" + longest + "\"")
                .collect(Collectors.joining(","));

        assertThat(parse("{\"user\":\"" + longest + "\",\"metadata\":{" + labels + "}," + HI + "}")
                        .ignoredFields())
                .isEmpty();
        assertRefused("{\"user\":\"" + longest + "a\"," + HI + "}", "user");
        assertRefused("{\"metadata\":{" + labels + ",\"b\":\"\"}," + HI + "}", "metadata");
        assertRefused("{\"metadata\":{\"a\":\"" + longest + "a\"}," + HI + "}", "metadata");
        assertRefused("{\"metadata\":{\"" + longest + "a\":\"\"}," + HI + "}", "metadata");
    }

    @Test
    void boundsTheTools() {
        String tools = IntStream.range(0, 128)
                .mapToObj(i -> "{\"type\":\"function\",\"name\":\"f" + i + "\"}")
                .collect(Collectors.joining(","));

        assertThat(parse("{\"tools\":[" + tools + "]," + HI + "}").request().tools())
                .hasSize(128);
        assertRefused("{\"tools\":[" + tools + "," + TOOL + "]," + HI + "}", "tools");
        assertRefused("{\"tools\":[" + TOOL + "," + TOOL + "]," + HI + "}", "tools");
        assertThat(assertRefused("{\"tools\":[{}]," + HI + "}", "tools[0].type"))
                .startsWith("tools[0].type: missing");
        assertThat(assertRefused("{\"tools\":[{\"type\":\"mcp\"}]," + HI + "}", "tools[0].type"))
                .startsWith("tools[0].type: \"mcp\"");
    }

    /** Such text can't be written as UTF-8. */
    @Test
    void repeatsUnpairedSurrogatesAsSomethingElse() {
        String lone = "\\ud800";
        ResponseRequest request = parse("{\"instructions\":\"" + lone + "\",\"user\":\"" + lone + "\",\"metadata\":{\""
                + lone + "\":\"" + lone + "\"},\"tools\":[{\"type\":\"function\",\"name\":\"f\",\"description\":\""
                + lone
                + "\",\"parameters\":{\"" + lone + "\":1}}]," + HI + "}");

        assertThat(json(request.echo())).isEqualTo(tree("""
                {"instructions":"\ufffd","max_output_tokens":null,"parallel_tool_calls":true,
                "reasoning":{"effort":null,"summary":null},"temperature":null,"text":{"format":{"type":"text"}},
                "tool_choice":"auto","tools":[{"type":"function","name":"f","description":"\ufffd","parameters":{"?":1},
                "strict":false}],"top_p":null,"user":"\ufffd","metadata":{"?":"?"}}"""));
    }

    @Test
    void refusesUnknownFieldsIfConfigured() {
        assertThatExceptionOfType(LlmException.class)
                .isThrownBy(() -> reader(UnknownFields.REFUSE).read(stream("{\"temprature\":1," + HI + "}")))
                .withMessage("temprature: unknown field");
    }

    private static List<Message> messages(String items) {
        return parse("{\"input\":[" + items + "]}").request().messages();
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

    private static ResponseRequest parse(String json) {
        return reader(UnknownFields.IGNORE).read(stream(json));
    }

    private static ResponseReader reader(UnknownFields unknown) {
        return new ResponseReader(unknown, new LoadOptions(4096, Duration.ofMinutes(5)));
    }

    private static ByteArrayInputStream stream(String json) {
        return new ByteArrayInputStream(json.getBytes(StandardCharsets.UTF_8));
    }

    private static JsonNode json(Echo echo) {
        return JsonMapper.shared().readTree(OpenAiJson.bytes(echo));
    }

    private static JsonNode tree(String json) {
        return JsonMapper.shared().readTree(json);
    }
}
