package dev.localllm.ollama.simulator;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import tools.jackson.databind.json.JsonMapper;

/** Refusals that no recording shows. */
class PromptTest {

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '`', textBlock = """
                    "think":1                               | 400 | think must be a boolean or string ("high", "medium", "low", "max", true, or false)
                    "think":""                              | 400 | invalid think value: "" (must be "high", "medium", "low", "max", true, or false)
                    "format":[]                             | 500 | invalid format: "[]"; expected "json" or a valid JSON Schema object
                    "format":{"properties":{"a":{"type":"x"}}} | 400 | schema error at #/properties/a: unrecognized type x
                    "format":{"anyOf":[{},{"items":true}]}  | 400 | schema error at #/anyOf/1/items: schema must be an object
                    "format":{"$ref":"#/$defs/a"}           | 400 | schema error at #: cannot resolve $ref #/$defs/a
                    "tools":{}                              | 400 | cannot unmarshal object into Go struct field ChatRequest.tools of type api.Tools
                    "logprobs":1                            | 400 | cannot unmarshal number into Go struct field ChatRequest.logprobs of type bool
                    "top_logprobs":-1                       | 400 | top_logprobs must be between 0 and 20
                    """)
    void refuses(String field, int status, String error) {
        refuse("{\"role\":\"user\",\"content\":\"Hi\"}", field, status, error);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '`', textBlock = """
                    "images":["AAAA","AA*A"]      | illegal base64 data at input byte 2
                    "images":["data:image/png;base64,AAAA"] | illegal base64 data at input byte 4
                    "images":["AAAAA"]            | illegal base64 data at input byte 5
                    "images":"AAAA"               | cannot unmarshal string into Go struct field ChatRequest.messages.images
                    "images":[1]                  | cannot unmarshal number into Go struct field ChatRequest.messages.images
                    "tool_calls":{}               | cannot unmarshal object into Go struct field ChatRequest.messages.tool_calls
                    "tool_calls":[{"function":{"name":"a","arguments":[]}}] | Value looks like object, but can't find closing '}' symbol
                    """)
    void refusesMessages(String field, String error) {
        refuse("{\"role\":\"user\",\"content\":\"Hi\"," + field + "}", "\"stream\":true", 400, error);
    }

    private static void refuse(String message, String field, int status, String error) {
        String request = "{\"model\":\"simulator\",\"messages\":[" + message + "]," + field + "}";

        assertThatExceptionOfType(Refusal.class)
                .isThrownBy(() -> Prompt.parse(JsonMapper.shared().readTree(request), true))
                .withMessageContaining(error)
                .satisfies(refusal -> assertThat(refusal.status()).isEqualTo(status));
    }
}
