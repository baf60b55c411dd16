package dev.localllm.ollama;

import com.fasterxml.jackson.annotation.JsonIgnoreProperties;
import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.annotation.JsonSetter;
import com.fasterxml.jackson.annotation.Nulls;
import java.time.OffsetDateTime;
import java.util.List;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/** The JSON of Ollama's native API, as far as this client uses it. Unknown fields are ignored. */
final class OllamaWire {

    private OllamaWire() {}

    /**
     * Body of POST /api/chat. Without {@code truncate:false} and {@code shift:false}, Ollama truncates a long prompt
     * silently.
     *
     * @param keepAlive a Go duration such as {@code 300s}; {@code -1s} for ever
     * @param format {@code "json"} or a JSON schema
     * @param think true, false, {@code "low"}, {@code "medium"}, {@code "high"} or {@code "max"}; if absent, a model
     *     that can think does so
     */
    record ChatBody(
            String model,
            List<ChatMessage> messages,
            boolean stream,
            boolean truncate,
            boolean shift,
            @JsonProperty("keep_alive") String keepAlive,
            Options options,
            @JsonInclude(JsonInclude.Include.NON_EMPTY) List<Tool> tools,

            @JsonInclude(JsonInclude.Include.NON_NULL) @Nullable
            JsonNode format,

            @JsonInclude(JsonInclude.Include.NON_NULL) @Nullable
            JsonNode think,

            @JsonInclude(JsonInclude.Include.NON_NULL) @Nullable
            Boolean logprobs,

            @JsonInclude(JsonInclude.Include.NON_NULL) @JsonProperty("top_logprobs") @Nullable
            Integer topLogprobs) {}

    /**
     * A function that the model may call:
     *
     * <pre>{@code
     * {"type":"function","function":{"name":"get_weather","description":"weather of a city",
     *  "parameters":{"type":"object","required":["city"],"properties":{"city":{"type":"string"}}}}}
     * }</pre>
     */
    record Tool(String type, DefinedFunction function) {}

    record DefinedFunction(
            String name,

            @JsonInclude(JsonInclude.Include.NON_NULL) @Nullable
            String description,

            JsonNode parameters) {}

    /**
     * A plain message; one with an image; one with calls; one with a result:
     *
     * <pre>{@code
     * {"role":"user","content":"Once upon a time"}
     * {"role":"user","content":"what","images":["iVBORw0KGgo…"]}
     * {"role":"assistant","content":"","tool_calls":[{"function":{"name":"get_weather","arguments":{"city":"Paris"}}}]}
     * {"role":"tool","tool_name":"get_weather","content":"18"}
     * }</pre>
     *
     * @param images in base64
     * @param toolCallId part of Ollama's API but not of the recordings, like the ids of sent calls
     */
    record ChatMessage(
            String role,
            String content,
            @JsonInclude(JsonInclude.Include.NON_EMPTY) List<String> images,

            @JsonInclude(JsonInclude.Include.NON_EMPTY) @JsonProperty("tool_calls")
            List<SentToolCall> toolCalls,

            @JsonInclude(JsonInclude.Include.NON_NULL) @JsonProperty("tool_name") @Nullable
            String toolName,

            @JsonInclude(JsonInclude.Include.NON_NULL) @JsonProperty("tool_call_id") @Nullable
            String toolCallId) {}

    record SentToolCall(String id, SentFunction function) {}

    record SentFunction(String name, JsonNode arguments) {}

    @JsonInclude(JsonInclude.Include.NON_EMPTY)
    record Options(
            @JsonProperty("num_ctx") int contextTokens,
            @JsonProperty("num_predict") @Nullable Integer maxTokens,
            @Nullable Double temperature,
            @JsonProperty("top_p") @Nullable Double topP,
            @JsonProperty("top_k") @Nullable Integer topK,
            @JsonProperty("min_p") @Nullable Double minP,
            @JsonProperty("repeat_penalty") @Nullable Double repeatPenalty,
            List<String> stop,
            @Nullable Long seed,
            @JsonProperty("frequency_penalty") @Nullable Double frequencyPenalty,
            @JsonProperty("presence_penalty") @Nullable Double presencePenalty) {}

    /**
     * Body of POST /api/generate. Ollama renders the prompt with the model's template: as the message of a user or, with
     * a suffix, as the text before the gap.
     *
     * @param suffix text after the gap; the model must be able to insert
     * @param think always false: a completion has no place for thinking
     */
    record GenerateBody(
            String model,
            String prompt,

            @JsonInclude(JsonInclude.Include.NON_NULL) @Nullable
            String suffix,

            boolean stream,
            boolean truncate,
            boolean shift,
            @JsonProperty("keep_alive") String keepAlive,
            Options options,
            boolean think,

            @JsonInclude(JsonInclude.Include.NON_NULL) @Nullable
            Boolean logprobs,

            @JsonInclude(JsonInclude.Include.NON_NULL) @JsonProperty("top_logprobs") @Nullable
            Integer topLogprobs) {}

    /**
     * Body of POST /api/embed. Without {@code truncate:false}, Ollama cuts an input that is too long silently.
     *
     * <pre>{@code
     * {"model":"tiny-embed","input":["hi","you"],"truncate":false,"keep_alive":"300s","options":{"num_ctx":8192}}
     * }</pre>
     */
    record EmbedBody(
            String model,
            List<String> input,
            boolean truncate,
            @JsonProperty("keep_alive") String keepAlive,
            EmbedOptions options,

            @JsonInclude(JsonInclude.Include.NON_NULL) @Nullable
            Integer dimensions) {}

    /** @param contextTokens the same for every request; Ollama takes less if the model was trained for less */
    record EmbedOptions(@JsonProperty("num_ctx") int contextTokens) {}

    /**
     * One line of the response. A text line of /api/chat, one of /api/generate, and the last line of the former:
     *
     * <pre>{@code
     * {"model":"tiny","created_at":"2026-11-23T08:41:32.07Z","message":{"role":"assistant","content":"On"},"done":false}
     * {"model":"tiny","created_at":"2026-11-23T08:41:33.39Z","response":"On","done":false}
     * {"model":"tiny","created_at":"2026-11-23T08:41:33.20Z","message":{"role":"assistant","content":""},"done":true,
     *  "done_reason":"stop","total_duration":5461459,"load_duration":660225,"prompt_eval_count":23,
     *  "prompt_eval_duration":485000,"eval_count":16,"eval_duration":2682000}
     * }</pre>
     *
     * Zero counts and durations (in ns) are absent. If Ollama fails during the response, it sends {@code {"error":"…"}}
     * with status 200 and ends the body normally.
     *
     * @param message of /api/chat
     * @param response of /api/generate, as is {@code thinking}
     * @param cachedPromptTokens part of {@code promptTokens}; null from Ollama before August 2026. Not in the
     *     recordings, and not sent by the simulator
     */
    @JsonIgnoreProperties(ignoreUnknown = true)
    record Line(
            @Nullable LineMessage message,
            @Nullable String response,
            @Nullable String thinking,
            boolean done,
            @JsonProperty("done_reason") @Nullable String doneReason,
            @JsonProperty("load_duration") long loadNanos,
            @JsonProperty("prompt_eval_count") int promptTokens,

            @JsonProperty("prompt_eval_cached_count") @Nullable
            Integer cachedPromptTokens,

            @JsonProperty("prompt_eval_duration") long promptNanos,
            @JsonProperty("eval_count") int completionTokens,
            @JsonProperty("eval_duration") long generationNanos,
            @JsonSetter(contentNulls = Nulls.FAIL) @Nullable List<Logprob> logprobs,
            @Nullable String error) {}

    /**
     * The log probability of one token:
     *
     * <pre>{@code
     * {"token":"O","logprob":-0.66,"bytes":[79],"top_logprobs":[{"token":"O","logprob":-0.66,"bytes":[79]}]}
     * }</pre>
     *
     * @param token U+FFFD if it is a part of a character
     * @param bytes absent if the token has none
     * @param alternatives without alternatives of their own; absent if none were requested
     */
    @JsonIgnoreProperties(ignoreUnknown = true)
    record Logprob(
            @JsonSetter(nulls = Nulls.FAIL) String token,

            double logprob,
            @JsonSetter(contentNulls = Nulls.FAIL) @Nullable List<Integer> bytes,

            @JsonSetter(contentNulls = Nulls.FAIL) @JsonProperty("top_logprobs") @Nullable
            List<Logprob> alternatives) {}

    @JsonIgnoreProperties(ignoreUnknown = true)
    record LineMessage(
            @Nullable String content,
            @Nullable String thinking,
            @JsonProperty("tool_calls") @Nullable List<@Nullable ToolCall> toolCalls) {}

    @JsonIgnoreProperties(ignoreUnknown = true)
    record ToolCall(@Nullable String id, @Nullable ToolCallFunction function) {}

    @JsonIgnoreProperties(ignoreUnknown = true)
    record ToolCallFunction(@Nullable String name, @Nullable JsonNode arguments) {}

    /** Response of GET /api/tags. */
    @JsonIgnoreProperties(ignoreUnknown = true)
    record Tags(@Nullable List<@Nullable Tag> models) {}

    /** @param capabilities null from old versions */
    @JsonIgnoreProperties(ignoreUnknown = true)
    record Tag(
            @Nullable String name,
            @JsonProperty("modified_at") @Nullable OffsetDateTime modifiedAt,
            @Nullable TagDetails details,
            @Nullable List<@Nullable String> capabilities) {}

    @JsonIgnoreProperties(ignoreUnknown = true)
    record TagDetails(@JsonProperty("context_length") int contextTokens) {}

    /** Response of GET /api/ps. */
    @JsonIgnoreProperties(ignoreUnknown = true)
    record Running(@Nullable List<@Nullable RunningModel> models) {}

    @JsonIgnoreProperties(ignoreUnknown = true)
    record RunningModel(
            @Nullable String name,
            @JsonProperty("context_length") int contextTokens,
            @JsonProperty("expires_at") @Nullable OffsetDateTime expiresAt) {}

    @JsonIgnoreProperties(ignoreUnknown = true)
    record Version(@Nullable String version) {}

    /** Body of an error response: {@code {"error":"model 'nope' not found"}}. */
    @JsonIgnoreProperties(ignoreUnknown = true)
    record ErrorBody(@Nullable String error) {}

    /** JSON inside some error texts: {@code {"error":{"code":400,"message":"…","type":"…"}}}. */
    @JsonIgnoreProperties(ignoreUnknown = true)
    record RunnerErrorBody(@Nullable RunnerError error) {}

    @JsonIgnoreProperties(ignoreUnknown = true)
    record RunnerError(@Nullable String message, @Nullable String type) {}
}
