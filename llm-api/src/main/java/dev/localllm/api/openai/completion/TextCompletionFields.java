package dev.localllm.api.openai.completion;

import static dev.localllm.api.json.FieldRule.accepted;
import static dev.localllm.api.json.FieldRule.honoured;
import static dev.localllm.api.json.FieldRule.mapped;
import static dev.localllm.api.json.FieldRule.refused;

import dev.localllm.api.json.FieldRule;
import java.util.List;
import tools.jackson.databind.JsonNode;

/** What becomes of each field of POST /v1/completions: the source of docs/compatibility.md. */
final class TextCompletionFields {

    static final List<FieldRule> BODY = List.of(
            honoured("model", "a name of `GET /v1/models`; without it the default model"),
            mapped(
                    "prompt",
                    "one string, also in an array; no tokens. Ollama puts it into the model's template, see below"),
            mapped("suffix", "the text after the gap to fill; the model must have the capability `insert`"),
            honoured("stream", "Server-Sent Events"),
            honoured("stream_options", "only with `stream: true`"),
            honoured("max_tokens", "at most `MAX_OUTPUT_TOKENS`, which is the default; OpenAI's is 16"),
            honoured("stop", "up to 4 strings"),
            honoured("temperature", "0 to 2"),
            honoured("top_p", "0 to 1"),
            honoured("seed", "an integer of 64 bits"),
            honoured("frequency_penalty", "-2 to 2"),
            honoured("presence_penalty", "-2 to 2"),
            honoured("logprobs", "0 to 5"),
            mapped("top_k", "1 or more; an extension of local servers, as are the next ones"),
            mapped("min_p", "0 to 1"),
            mapped("repeat_penalty", "0 to 2"),
            mapped("num_ctx", "only the configured value, as another one makes the model server load the model again"),
            mapped("keep_alive", "only the configured value"),
            accepted("n", "only 1: one GPU generates one answer", TextCompletionFields::isOne),
            accepted("best_of", "only 1, as `n`", TextCompletionFields::isOne),
            accepted("user", "a label", JsonNode::isString),
            refused(
                    "echo",
                    "the model server doesn't repeat the prompt",
                    node -> node.isBoolean() && !node.booleanValue()),
            refused(
                    "logit_bias",
                    "the model server has no bias of single tokens",
                    node -> node.isObject() && node.isEmpty()));

    private TextCompletionFields() {}

    private static boolean isOne(JsonNode node) {
        return node.isIntegralNumber() && node.canConvertToInt() && node.intValue() == 1;
    }
}
