package dev.localllm.api.openai.completion;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.localllm.api.json.UnknownFields;
import dev.localllm.api.openai.LoadOptions;
import dev.localllm.core.catalog.ModelId;
import dev.localllm.core.chat.CompletionRequest;
import dev.localllm.core.chat.GenerationOptions;
import dev.localllm.core.chat.TokenLogprob;
import dev.localllm.core.failure.LlmException;
import dev.localllm.core.failure.LlmFailure.InvalidRequest;
import java.io.ByteArrayInputStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class TextCompletionReaderTest {

    private static final String EXPECTED =
            " (expected: one text that is not empty, as a string; no further prompts, and no tokens)";

    @Test
    void readsAllFields() {
        assertThat(parse("""
                        {"model":"tiny","prompt":"a\\n","suffix":" b","stream":true,"stream_options":{"include_usage":true},
                        "max_tokens":1,"stop":["x","y"],"temperature":2,"top_p":1,"seed":-9223372036854775808,
                        "frequency_penalty":-2,"presence_penalty":2,"logprobs":5,"top_k":1,"min_p":0,"repeat_penalty":1.1,
                        "num_ctx":4096,"keep_alive":"5m","n":1,"best_of":1,"user":"u","echo":false,"logit_bias":{}}"""))
                .isEqualTo(new TextCompletionBody(
                        new ModelId("tiny"),
                        new CompletionRequest(
                                "a\n",
                                " b",
                                new GenerationOptions(
                                        2.0, 1.0, 1, 0.0, 1.1, -2.0, 2.0, 1, List.of("x", "y"), Long.MIN_VALUE, 5)),
                        true,
                        true,
                        List.of()));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{\"prompt\":\"a\"}",
                "{\"prompt\":[\"a\"]}",
                "{\"prompt\":\"a\",\"suffix\":\"\"}",
                "{\"prompt\":\"a\",\"suffix\":null,\"logprobs\":null}"
            })
    void requiresOnlyOnePrompt(String body) {
        assertThat(parse(body))
                .isEqualTo(new TextCompletionBody(
                        null, new CompletionRequest("a", null, GenerationOptions.DEFAULTS), false, false, List.of()));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "``                    | prompt: missing",
                "`\"prompt\":null,`     | prompt: missing",
                "`\"prompt\":\"\",`     | prompt: \"\"",
                "`\"prompt\":[],`       | prompt: an array",
                "`\"prompt\":[\"\"],`   | prompt: an array",
                "`\"prompt\":[null],`   | prompt: an array",
                "`\"prompt\":[\"a\",\"b\"],` | prompt: an array",
                "`\"prompt\":[1,2],`    | prompt: an array",
                "`\"prompt\":[1],`      | prompt: an array",
                "`\"prompt\":[[1,2]],`  | prompt: an array",
                "`\"prompt\":5,`        | prompt: 5"
            })
    void refusesOtherPrompts(String field, String message) {
        assertThat(refusal("{" + field + "\"stream\":false}"))
                .isEqualTo(new InvalidRequest("prompt", message + EXPECTED));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "suffix | 5 | suffix: 5 (expected: a string)",
                "max_tokens | 0 | max_tokens: 0 (expected: a whole number from 1 to 2147483647)",
                "logprobs | -1 | logprobs: -1 (expected: a whole number from 0 to 5)",
                "logprobs | 6 | logprobs: 6 (expected: a whole number from 0 to 5)",
                "logprobs | true | logprobs: true (expected: a whole number from 0 to 5)",
                "n | 2 | n: 2 (expected: only 1: one GPU generates one answer)",
                "best_of | 2 | best_of: 2 (expected: only 1, as n)",
                "best_of | 1.0 | best_of: 1.0 (expected: only 1, as n)",
                "best_of | 4294967297 | best_of: 4294967297 (expected: only 1, as n)",
                "echo | true | echo: not supported (the model server doesn't repeat the prompt)",
                "echo | 0 | echo: not supported (the model server doesn't repeat the prompt)",
                "logit_bias | {\"1\":1} | logit_bias: not supported (the model server has no bias of single tokens)",
                "logit_bias | [] | logit_bias: not supported (the model server has no bias of single tokens)",
                "user | 5 | user: 5 (expected: a label)",
                "num_ctx | 512 | num_ctx: 512 (expected: 4096, which is configured for all requests)",
                "stream_options | {} | stream_options: an object (expected: absent, unless stream is true)",
                "temperature | 3 | temperature: 3 (expected: a number from 0.0 to 2.0)"
            })
    void refusesWhatCannotBeHonoured(String field, String value, String message) {
        assertThat(refusal("{\"prompt\":\"a\",\"" + field + "\":" + value + "}"))
                .isEqualTo(new InvalidRequest(field, message));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {"\"include_usage\":false", "\"include_obfuscation\":false", "\"x\":1"})
    void sendsNoUsageUnlessAskedTo(String option) {
        assertThat(parse("{\"prompt\":\"a\",\"stream\":true,\"stream_options\":{" + option + "}}")
                        .includeUsage())
                .isFalse();
    }

    @Test
    void countsLogprobsFromThePromptIfTheyAreWanted() {
        TextLogprobs logprobs = parse("{\"prompt\":\"abc\",\"logprobs\":0}").logprobs();

        assertThat(parse("{\"prompt\":\"abc\"}").logprobs()).isNull();
        assertThat(logprobs).isNotNull();
        assertThat(logprobs.of(List.of(new TokenLogprob("d", -1, List.of(100), List.of())))
                        .textOffset())
                .containsExactly(3);
    }

    @Test
    void namesIgnoredFields() {
        assertThat(parse("{\"prompt\":\"a\",\"messages\":[]}").ignoredFields()).containsExactly("messages");
    }

    private static InvalidRequest refusal(String body) {
        return (InvalidRequest) assertThatExceptionOfType(LlmException.class)
                .isThrownBy(() -> parse(body))
                .actual()
                .failure();
    }

    private static TextCompletionBody parse(String body) {
        return new TextCompletionReader(UnknownFields.IGNORE, new LoadOptions(4096, Duration.ofMinutes(5)))
                .read(new ByteArrayInputStream(body.getBytes(StandardCharsets.UTF_8)));
    }
}
