package dev.localllm.api.openai.chat;

import static dev.localllm.api.json.FieldRule.accepted;
import static dev.localllm.api.json.FieldRule.honoured;
import static dev.localllm.api.json.FieldRule.ignored;
import static dev.localllm.api.json.FieldRule.mapped;
import static dev.localllm.api.json.FieldRule.refused;

import dev.localllm.api.json.FieldRule;
import java.util.List;
import java.util.Set;
import tools.jackson.databind.JsonNode;

/** What becomes of each field of POST /v1/chat/completions: the source of docs/compatibility.md. */
public final class CompletionFields {

    public static final List<FieldRule> BODY = List.of(
            honoured("model", "a name of `GET /v1/models`; without it the default model"),
            honoured("messages", "bounded by `MAX_PROMPT_MESSAGES` and `MAX_PROMPT_CHARACTERS`"),
            honoured("stream", "Server-Sent Events"),
            honoured("stream_options", "only with `stream: true`"),
            honoured("temperature", "0 to 2"),
            honoured("top_p", "0 to 1"),
            honoured("max_completion_tokens", "at most `MAX_OUTPUT_TOKENS`"),
            honoured("max_tokens", "older name of `max_completion_tokens`, which wins"),
            honoured("stop", "up to 4 strings; ignored if a call is forced, as are log probabilities"),
            honoured("seed", "an integer of 64 bits"),
            honoured("frequency_penalty", "-2 to 2"),
            honoured("presence_penalty", "-2 to 2"),
            honoured("logprobs", "of the text; not of thinking and tool calls"),
            honoured("top_logprobs", "0 to 20; only with `logprobs: true`"),
            honoured("tools", "functions, up to 128; the model must support tools"),
            mapped(
                    "tool_choice",
                    "`none` and `auto`; a named function, and `required` with one tool, by generating its arguments in the"
                            + " format of its schema; refused: `required` with several tools"),
            honoured("parallel_tool_calls", "`false`: further calls are left out"),
            mapped("response_format", "`json_object` and `json_schema` by the model server's grammar; see below"),
            mapped("reasoning_effort", "`none` to `xhigh`; the model must support thinking, except for `none`"),
            mapped("chat_template_kwargs", "`enable_thinking`"),
            honoured("prompt", "a prompt of the catalogue, as in OpenAI's Responses; before all messages"),
            mapped("top_k", "1 or more; an extension of local servers, as are the next ones"),
            mapped("min_p", "0 to 1"),
            mapped("repeat_penalty", "0 to 2"),
            mapped("num_ctx", "only the configured value, as another one makes the model server load the model again"),
            mapped("keep_alive", "only the configured value"),
            accepted(
                    "n",
                    "only 1: one GPU generates one answer",
                    node -> node.isIntegralNumber() && node.canConvertToInt() && node.intValue() == 1),
            accepted("user", "a label", JsonNode::isString),
            accepted("safety_identifier", "a label", JsonNode::isString),
            accepted("metadata", "labels of a stored answer", JsonNode::isObject),
            accepted("store", "only `false`: nothing is stored", CompletionFields::isFalse),
            accepted("service_tier", "there is one tier", JsonNode::isString),
            accepted("prompt_cache_key", "the model server caches prompts by their text", JsonNode::isString),
            accepted("prompt_cache_retention", "the model server caches prompts by their text", JsonNode::isString),
            accepted("prediction", "a hint for speed", JsonNode::isObject),
            accepted("modalities", "only `[\"text\"]`", node -> node.size() == 1 && is(node.path(0), "text")),
            accepted("verbosity", "only `medium`, the default", node -> is(node, "medium")),
            refused(
                    "logit_bias",
                    "the model server has no bias of single tokens",
                    node -> node.isObject() && node.isEmpty()),
            refused("audio", "models answer with text only"),
            refused("web_search_options", "models have no access to the web"),
            refused("functions", "deprecated; use tools", node -> node.isArray() && node.isEmpty()),
            refused(
                    "function_call",
                    "deprecated; use tool_choice",
                    node -> Set.of("none", "auto").contains(node.asString(""))));

    public static final List<FieldRule> MESSAGE = List.of(
            honoured("role", "`system`, `developer`, `user`, `assistant` or `tool`"),
            honoured("content", "a string or parts, which are joined by line breaks"),
            honoured("tool_calls", "of assistants; `arguments` must be a JSON object"),
            honoured("tool_call_id", "of tools; the id of an earlier call"),
            honoured("refusal", "of assistants; a part of its text"),
            ignored("name", "the model server has no names of participants; results have that of their function"),
            ignored("reasoning_content", "models don't get their earlier thinking"),
            ignored("reasoning", "as `reasoning_content`"),
            ignored("annotations", "of OpenAI's answers, which its SDKs send back"),
            ignored("parsed", "made by OpenAI's SDKs from the content"),
            refused("audio", "models answer with text only"),
            refused("function_call", "deprecated; use tool_calls"));

    public static final List<FieldRule> PART = List.of(
            honoured("type", "`text`; `image_url` of users; `refusal` of assistants"),
            honoured("text", ""),
            honoured("refusal", ""),
            mapped(
                    "image_url",
                    "a data URL with a PNG, JPEG, GIF or WebP file in base64; the model must support images"));

    public static final List<FieldRule> IMAGE = List.of(
            mapped("url", "http URLs are refused: the server fetches nothing"),
            ignored("detail", "the model server chooses the resolution"));

    public static final List<FieldRule> TOOL =
            List.of(honoured("type", "`function`"), honoured("function", "the function's definition"));

    public static final List<FieldRule> FUNCTION = List.of(
            honoured("name", "1 to 64 letters, digits, `_`, `-` and `.`"),
            honoured("description", ""),
            honoured("parameters", "a JSON schema; none: no arguments"),
            mapped("strict", "`true`: a call whose arguments don't match is a failure, `schema_not_honoured`"));

    public static final List<FieldRule> TOOL_CALL = List.of(
            honoured("id", ""),
            honoured("type", "`function`"),
            honoured("function", "`name` and `arguments`"),
            accepted("index", "the order of the calls is that of the array", JsonNode::isNumber));

    public static final List<FieldRule> CALLED_FUNCTION = List.of(
            honoured("name", ""),
            honoured("arguments", "a JSON object, as a string"),
            ignored("parsed_arguments", "made by OpenAI's SDKs from the arguments"));

    public static final List<FieldRule> TOOL_CHOICE =
            List.of(honoured("type", "`function`"), honoured("function", "`name` of one of the tools"));

    public static final List<FieldRule> CHOSEN_FUNCTION = List.of(honoured("name", ""));

    public static final List<FieldRule> RESPONSE_FORMAT =
            List.of(honoured("type", "`text`, `json_object` or `json_schema`"), honoured("json_schema", ""));

    public static final List<FieldRule> JSON_SCHEMA = List.of(
            honoured("name", ""),
            ignored("description", "the model server takes a schema only"),
            honoured("schema", "without remote references; bounded in size and depth"),
            mapped(
                    "strict",
                    "`true`: keywords that the grammar ignores are refused, and an answer that doesn't match is a"
                            + " failure, `schema_not_honoured`; otherwise the response tells a mismatch"));

    public static final List<FieldRule> TEMPLATE_OPTIONS = List.of(mapped("enable_thinking", "as `reasoning_effort`"));

    private CompletionFields() {}

    private static boolean isFalse(JsonNode node) {
        return node.isBoolean() && !node.booleanValue();
    }

    private static boolean is(JsonNode node, String text) {
        return node.isString() && node.stringValue().equals(text);
    }
}
