package dev.localllm.api.openai.embedding;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.localllm.api.json.UnknownFields;
import dev.localllm.core.catalog.ModelId;
import dev.localllm.core.embedding.EmbeddingRequest;
import dev.localllm.core.failure.LlmException;
import dev.localllm.core.failure.LlmFailure.InvalidRequest;
import java.io.ByteArrayInputStream;
import java.nio.charset.StandardCharsets;
import java.util.Collections;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class EmbeddingReaderTest {

    @Test
    void readsAllFields() {
        assertThat(read("""
                {"model":"m","input":["a","b"],"encoding_format":"base64","dimensions":8,"user":"u","truncate":true}"""))
                .isEqualTo(new EmbeddingBody(
                        new ModelId("m"),
                        new EmbeddingRequest(List.of("a", "b"), 8),
                        VectorFormat.BASE64,
                        List.of("truncate")));
    }

    @Test
    void readsAStringAndDefaults() {
        assertThat(read("{\"model\":\"m\",\"input\":\"a\",\"encoding_format\":null,\"dimensions\":null}"))
                .isEqualTo(new EmbeddingBody(
                        new ModelId("m"), new EmbeddingRequest(List.of("a"), null), VectorFormat.FLOAT, List.of()));
        assertThat(read("{\"model\":\"m\",\"input\":[\"a\"],\"encoding_format\":\"float\",\"dimensions\":65536}"))
                .extracting(EmbeddingBody::format)
                .isEqualTo(VectorFormat.FLOAT);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "{'input':'a'} | model | model: missing (expected: a model for embeddings; the default model is for chats)",
                "{'model':'','input':'a'} | model | model: \"\" (expected: the name of a model, such as qwen3:4b)",
                "{'model':'m'} | input | input: missing (expected: a string, or an array of strings)",
                "{'model':'m','input':null} | input | input: missing (expected: a string, or an array of strings)",
                "{'model':'m','input':[]} | input | input: an array (expected: one or more strings)",
                "{'model':'m','input':''} | input | input: \"\" (expected: a string or an array of at most 2048 strings, none of them empty)",
                "{'model':'m','input':['a','']} | input | input: an array (expected: a string or an array of at most 2048 strings, none of them empty)",
                "{'model':'m','input':['a',null]} | input | input: an array (expected: a string or an array of at most 2048 strings, none of them empty)",
                "{'model':'m','input':5} | input | input: 5 (expected: a string or an array of at most 2048 strings, none of them empty)",
                "{'model':'m','input':[5,6]} | input | input: an array (expected: strings; tokens are not supported, as the model server takes text only)",
                "{'model':'m','input':[[5],[6]]} | input | input: an array (expected: strings; tokens are not supported, as the model server takes text only)",
                "{'model':'m','input':'a','encoding_format':'hex'} | encoding_format | encoding_format: \"hex\" (expected: float or base64)",
                "{'model':'m','input':'a','dimensions':0} | dimensions | dimensions: 0 (expected: a whole number from 1 to 65536)",
                "{'model':'m','input':'a','dimensions':65537} | dimensions | dimensions: 65537 (expected: a whole number from 1 to 65536)"
            })
    void refusesByName(String body, String field, String message) {
        assertRefused(body.replace('\'', '"'), field, message);
    }

    @Test
    void limitsTheNumberOfInputs() {
        String inputs = String.join(",", Collections.nCopies(2048, "\"a\""));

        assertThat(read("{\"model\":\"m\",\"input\":[" + inputs + "]}")
                        .request()
                        .inputs())
                .hasSize(2048);
        assertRefused(
                "{\"model\":\"m\",\"input\":[\"a\"," + inputs + "]}",
                "input",
                "input: an array (expected: a string or an array of at most 2048 strings, none of them empty)");
    }

    /** Before the model works on it. */
    @Test
    void limitsTheNumbersOfTheResponse() {
        String inputs = String.join(",", Collections.nCopies(628, "\"a\""));

        assertRefused(
                "{\"model\":\"m\",\"input\":[" + inputs + "],\"dimensions\":1024}",
                "input",
                "input: 628 vectors of 1024 numbers (expected: at most 627 in one response; more with encoding_format"
                        + " base64)");
        assertThat(read("{\"model\":\"m\",\"input\":[" + inputs
                        + "],\"dimensions\":1024,\"encoding_format\":\"base64\"}"))
                .isNotNull();
    }

    private static void assertRefused(String body, String field, String message) {
        assertThatExceptionOfType(LlmException.class)
                .isThrownBy(() -> read(body))
                .satisfies(e -> assertThat(e.failure()).isEqualTo(new InvalidRequest(field, message)));
    }

    private static EmbeddingBody read(String body) {
        return new EmbeddingReader(UnknownFields.IGNORE)
                .read(new ByteArrayInputStream(body.getBytes(StandardCharsets.UTF_8)));
    }
}
