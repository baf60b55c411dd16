package dev.localllm.api.openai.response;

import static dev.localllm.api.json.FieldRule.accepted;
import static dev.localllm.api.json.FieldRule.honoured;
import static dev.localllm.api.json.FieldRule.ignored;
import static dev.localllm.api.json.FieldRule.mapped;
import static dev.localllm.api.json.FieldRule.refused;

import dev.localllm.api.json.FieldRule;
import java.util.List;
import tools.jackson.databind.JsonNode;

/** What becomes of each field of POST /v1/responses: the source of docs/compatibility.md. */
final class ResponseFields {

    private static final String CACHE = "the model server caches prompts by their text";
    private static final String EARLIER = "a value of earlier answers, which SDKs send back";
    private static final String NO_THINKING = "models don't get their earlier thinking";
    private static final String NOTHING_STORED = "nothing is stored; send the earlier items in input";

    static final List<FieldRule> BODY = List.of(
            honoured("model", "a name of `GET /v1/models`; without it the default model"),
            honoured("input", "a string, or items; bounded by `MAX_PROMPT_MESSAGES` and `MAX_PROMPT_CHARACTERS`"),
            honoured("instructions", "a system message before the input"),
            honoured("prompt", "a prompt of the catalogue, before the instructions"),
            honoured("stream", "Server-Sent Events"),
            honoured("stream_options", "only with `stream: true`"),
            honoured("temperature", "0 to 2"),
            honoured("top_p", "0 to 1"),
            honoured("max_output_tokens", "1 or more; at most `MAX_OUTPUT_TOKENS`"),
            honoured("tools", "functions, up to 128; the model must support tools; refused: built-in tools"),
            mapped(
                    "tool_choice",
                    "`none` and `auto`; a named function, and `required` with one tool, by generating its arguments in the"
                            + " format of its schema; refused: `required` with several tools, other objects"),
            honoured("parallel_tool_calls", "`false`: further calls are left out"),
            mapped("text", "`format`, by the model server's grammar"),
            mapped("reasoning", "`effort`; the model must support thinking, except for `none`"),
            honoured(
                    "include",
                    "`message.output_text.logprobs`, which only the deltas of a stream have, ignored if a call is forced;"
                            + " `reasoning.encrypted_content` has no effect; others are refused"),
            honoured("top_logprobs", "0 to 20; only with `include`; ignored if a call is forced"),
            honoured("metadata", "up to 16 strings of 512 characters, which the answer repeats"),
            honoured("user", "a label of up to 512 characters, which the answer repeats"),
            mapped(
                    "stop",
                    "up to 4 strings, as in chat; ignored if a call is forced; an extension, as are the next ones"),
            mapped("seed", "an integer of 64 bits"),
            mapped("frequency_penalty", "-2 to 2"),
            mapped("presence_penalty", "-2 to 2"),
            mapped("top_k", "1 or more"),
            mapped("min_p", "0 to 1"),
            mapped("repeat_penalty", "0 to 2"),
            mapped("num_ctx", "only the configured value, as another one makes the model server load the model again"),
            mapped("keep_alive", "only the configured value"),
            accepted(
                    "store",
                    "only `false`, also if it is absent: nothing is stored; send the earlier items in `input`",
                    ResponseFields::isFalse),
            accepted("truncation", "only `disabled`: a prompt is never cut", node -> is(node, "disabled")),
            accepted("safety_identifier", "a label", JsonNode::isString),
            accepted("service_tier", "there is one tier", JsonNode::isString),
            accepted("prompt_cache_key", CACHE, JsonNode::isString),
            accepted("prompt_cache_retention", CACHE, JsonNode::isString),
            accepted("prompt_cache_options", CACHE, JsonNode::isObject),
            refused("previous_response_id", NOTHING_STORED),
            refused("conversation", NOTHING_STORED),
            refused("background", "nothing is stored; use stream", ResponseFields::isFalse),
            refused("max_tool_calls", "it limits built-in tools, and there are none"),
            refused("context_management", "a prompt is never cut", node -> node.isArray() && node.isEmpty()),
            refused("moderation", "the server doesn't judge texts"));

    static final List<FieldRule> STREAM_OPTIONS =
            List.of(accepted("include_obfuscation", "only `false`: streams have no padding", ResponseFields::isFalse));

    static final List<FieldRule> MESSAGE = List.of(
            honoured("type", "`message`, or absent"),
            honoured("role", "`system`, `developer`, `user` or `assistant`"),
            honoured("content", "a string or parts, which are joined by line breaks"),
            accepted("id", EARLIER, JsonNode::isString),
            accepted("status", EARLIER, JsonNode::isString));

    static final List<FieldRule> PART = List.of(
            honoured(
                    "type",
                    "`input_text`; `input_image` of users; `output_text` and `refusal` of assistants; refused: files, audio"),
            honoured("text", ""),
            honoured("refusal", ""),
            mapped(
                    "image_url",
                    "a data URL with a PNG, JPEG, GIF or WebP file in base64; the model must support images"),
            ignored("detail", "the model server chooses the resolution"),
            refused("file_id", "nothing is stored; send image_url"),
            accepted("annotations", EARLIER, ResponseFields::areObjects),
            accepted("logprobs", EARLIER, ResponseFields::areObjects),
            accepted("prompt_cache_breakpoint", CACHE, JsonNode::isObject),
            ignored("parsed", "made by OpenAI's SDKs from the text"));

    static final List<FieldRule> CALL = List.of(
            honoured("type", "`function_call`"),
            honoured("call_id", ""),
            honoured("name", ""),
            honoured("arguments", "a JSON object, as a string"),
            accepted("id", EARLIER, JsonNode::isString),
            accepted("status", EARLIER, JsonNode::isString),
            ignored("parsed_arguments", "made by OpenAI's SDKs from the arguments"));

    static final List<FieldRule> CALL_OUTPUT = List.of(
            honoured("type", "`function_call_output`"),
            honoured("call_id", "of a `function_call` before it"),
            honoured("output", "a string, or parts of the type `input_text`"),
            accepted("id", "a string", JsonNode::isString),
            accepted("status", "a string", JsonNode::isString));

    static final List<FieldRule> REASONING_ITEM = List.of(
            honoured("type", "`reasoning`"),
            accepted("id", EARLIER, JsonNode::isString),
            accepted("status", EARLIER, JsonNode::isString),
            ignored("summary", NO_THINKING),
            ignored("content", NO_THINKING),
            ignored("encrypted_content", NO_THINKING));

    static final List<FieldRule> TOOL = List.of(
            honoured("type", "`function`"),
            honoured("name", "1 to 64 letters, digits, `_`, `-` and `.`"),
            honoured("description", ""),
            honoured("parameters", "a JSON schema; none: no arguments"),
            mapped(
                    "strict",
                    "`true`: a call whose arguments don't match is a failure, `schema_not_honoured`; absent means `false`,"
                            + " other than with OpenAI"));

    static final List<FieldRule> TOOL_CHOICE =
            List.of(honoured("type", "`function`"), honoured("name", "of one of the tools"));

    static final List<FieldRule> TEXT = List.of(
            honoured("format", ""), accepted("verbosity", "only `medium`, the default", node -> is(node, "medium")));

    static final List<FieldRule> FORMAT = List.of(
            honoured("type", "`text`, `json_object` or `json_schema`"),
            honoured("name", "of the schema"),
            ignored("description", "the model server takes a schema only"),
            honoured("schema", "without remote references; bounded in size and depth"),
            mapped(
                    "strict",
                    "`true`: keywords that the grammar ignores are refused, and an answer that doesn't match is a"
                            + " failure, `schema_not_honoured`; otherwise the response tells a mismatch"));

    static final List<FieldRule> REASONING = List.of(
            mapped("effort", "`none` to `xhigh`"),
            mapped("summary", "`auto`, `concise` or `detailed`: each tells all the thinking, as does none"),
            accepted(
                    "generate_summary",
                    "`auto`, `concise` or `detailed`; older name of `summary`",
                    node -> ResponseReader.isSummary(node.asString(""))));

    private ResponseFields() {}

    private static boolean isFalse(JsonNode node) {
        return node.isBoolean() && !node.booleanValue();
    }

    private static boolean is(JsonNode node, String text) {
        return node.isString() && node.stringValue().equals(text);
    }

    private static boolean areObjects(JsonNode node) {
        return node.isArray() && node.valueStream().allMatch(JsonNode::isObject);
    }
}
