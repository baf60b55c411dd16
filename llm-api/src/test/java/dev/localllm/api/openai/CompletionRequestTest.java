package dev.localllm.api.openai;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.localllm.core.catalog.ModelId;
import dev.localllm.core.chat.ChatRequest;
import dev.localllm.core.chat.GenerationOptions;
import dev.localllm.core.chat.Message;
import dev.localllm.core.chat.Part;
import dev.localllm.core.chat.Role;
import dev.localllm.core.failure.LlmException;
import dev.localllm.core.failure.LlmFailure.InvalidRequest;
import java.io.ByteArrayInputStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class CompletionRequestTest {

    private static final String HI = "\"messages\":[{\"role\":\"user\",\"content\":\"Hi\"}]";
    private static final List<Message> ONLY_HI = List.of(new Message(Role.USER, "Hi"));

    @Test
    void readsAllFields() {
        CompletionRequest request = parse("""
                {"model":"tiny","stream":true,"stream_options":{"include_usage":true,"include_obfuscation":false},
                "messages":[{"role":"system","content":"a"},{"role":"developer","content":"b"},
                {"role":"user","content":[{"type":"text","text":"c"},{"type":"text","text":"d"}]},
                {"role":"assistant","content":"","refusal":null}],
                "temperature":2,"top_p":1,"max_tokens":1,"stop":["x","y"],"seed":-9223372036854775808,
                "frequency_penalty":-2,"presence_penalty":2}""");

        assertThat(request)
                .isEqualTo(new CompletionRequest(
                        new ModelId("tiny"),
                        new ChatRequest(
                                List.of(
                                        new Message(Role.SYSTEM, "a"),
                                        new Message(Role.SYSTEM, "b"),
                                        new Message(Role.USER, List.of(new Part.Text("c"), new Part.Text("d"))),
                                        new Message(Role.ASSISTANT, "")),
                                new GenerationOptions(
                                        2.0,
                                        1.0,
                                        null,
                                        null,
                                        null,
                                        -2.0,
                                        2.0,
                                        1,
                                        List.of("x", "y"),
                                        Long.MIN_VALUE,
                                        null)),
                        true,
                        true));
    }

    @Test
    void requiresOnlyMessages() {
        assertThat(parse("{" + HI + "}"))
                .isEqualTo(new CompletionRequest(
                        null, new ChatRequest(ONLY_HI, GenerationOptions.DEFAULTS), false, false));
    }

    @ParameterizedTest
    @CsvSource({"5, null, 5", "null, 7, 7", "5, 7, 7", "7, 5, 5", "2147483647, null, 2147483647"})
    void prefersTheNewerNameOfTheLimit(String older, String newer, int expected) {
        String limits = "\"max_tokens\":" + older + ",\"max_completion_tokens\":" + newer;

        assertThat(parse("{" + limits + "," + HI + "}").chat().options().maxTokens())
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
                "\"tool_choice\":\"none\"",
                "\"response_format\":{\"type\":\"text\"}",
                "\"modalities\":[\"text\"]",
                "\"stream\":true,\"stream_options\":{}"
            })
    void ignoresFieldsWithoutAnEffect(String field) {
        CompletionRequest request = parse("{" + field + "," + HI + "}");

        assertThat(request.chat()).isEqualTo(new ChatRequest(ONLY_HI, GenerationOptions.DEFAULTS));
        assertThat(request.includeUsage()).isFalse();
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
                "logprobs | \"logprobs\":true",
                "n | \"n\":2",
                "n | \"n\":1.0",
                "n | \"n\":4294967297",
                "logit_bias | \"logit_bias\":{\"1\":2}",
                "logit_bias | \"logit_bias\":[]",
                "tools | \"tools\":[{}]",
                "tools | \"tools\":{}",
                "functions | \"functions\":[{}]",
                "functions | \"functions\":{}",
                "tool_choice | \"tool_choice\":\"auto\"",
                "tool_choice | \"tool_choice\":{\"none\":1}",
                "response_format | \"response_format\":{\"type\":\"json_object\"}",
                "modalities | \"modalities\":[\"audio\"]",
                "modalities | \"modalities\":[\"text\",\"audio\"]",
                "reasoning_effort | \"reasoning_effort\":\"low\"",
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
                "stream_options.x | \"stream\":true,\"stream_options\":{\"x\":1}",
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
                "messages[0].role: \"tool\" | {\"messages\":[{\"role\":\"tool\",\"content\":\"a\"}]}",
                "messages[0].content: missing | {\"messages\":[{\"role\":\"user\"}]}",
                "messages[0].content: 5 | {\"messages\":[{\"role\":\"user\",\"content\":5}]}",
                "messages[0].name: unknown | {\"messages\":[{\"role\":\"user\",\"content\":\"a\",\"name\":\"b\"}]}",
                "messages[0].refusal: not | {\"messages\":[{\"role\":\"user\",\"content\":\"a\",\"refusal\":\"no\"}]}",
                "messages[0].content[0].type: \"image_url\" | {\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"image_url\"}]}]}",
                "messages[0].content[0].text: missing | {\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\"}]}]}",
                "messages[0].content[0].x: unknown | {\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"a\",\"x\":1}]}]}"
            })
    void refusesMessagesThatItDoesNotUnderstand(String message, String json) {
        assertThat(assertRefused(json, message.substring(0, message.indexOf(':'))))
                .startsWith(message);
    }

    @Test
    void refusesTheFirstUnknownField() {
        assertThat(assertRefused("{\"temprature\":1," + HI + "}", "temprature")).contains("unknown field");
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

    private static CompletionRequest parse(String json) {
        return CompletionRequest.parse(new ByteArrayInputStream(json.getBytes(StandardCharsets.UTF_8)));
    }
}
