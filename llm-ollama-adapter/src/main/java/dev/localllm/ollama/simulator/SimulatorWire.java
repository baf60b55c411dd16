package dev.localllm.ollama.simulator;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonProperty;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.SerializableString;
import tools.jackson.core.io.CharacterEscapes;
import tools.jackson.core.io.SerializedString;
import tools.jackson.core.json.JsonFactory;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** The JSON that Ollama sends: same fields, same order, escaped as in Go. */
final class SimulatorWire {

    static final JsonMapper MAPPER = JsonMapper.builder(
                    JsonFactory.builder().characterEscapes(new GoEscapes()).build())
            .build();

    private SimulatorWire() {}

    record ErrorBody(String error) {}

    record Version(String version) {}

    record Tags(List<Tag> models) {}

    record Tag(
            String name,
            String model,
            @JsonProperty("modified_at") String modifiedAt,
            long size,
            String digest,
            Details details,
            List<String> capabilities) {}

    @JsonInclude(JsonInclude.Include.NON_NULL)
    record Details(
            @JsonProperty("parent_model") String parentModel,
            String format,
            String family,
            List<String> families,
            @JsonProperty("parameter_size") String parameterSize,
            @JsonProperty("quantization_level") String quantizationLevel,
            @JsonProperty("context_length") @Nullable Integer contextLength,
            @JsonProperty("embedding_length") @Nullable Integer embeddingLength) {

        Details withoutLengths() {
            return new Details(parentModel, format, family, families, parameterSize, quantizationLevel, null, null);
        }
    }

    record Show(
            String license,
            String modelfile,
            String parameters,
            String template,
            Details details,
            @JsonProperty("model_info") Map<String, Object> modelInfo,
            List<Tensor> tensors,
            List<String> capabilities,
            @JsonProperty("modified_at") String modifiedAt) {}

    record Tensor(String name, String type, List<Integer> shape) {}

    record RunningModels(List<RunningModel> models) {}

    record RunningModel(
            String name,
            String model,
            long size,
            String digest,
            Details details,
            @JsonProperty("expires_at") String expiresAt,
            @JsonProperty("size_vram") long sizeVram,
            @JsonProperty("context_length") int contextLength) {}

    @JsonInclude(JsonInclude.Include.NON_NULL)
    record ChatMessage(
            String role,
            String content,
            @Nullable String thinking,
            @JsonProperty("tool_calls") @Nullable List<ToolCall> toolCalls) {}

    record ToolCall(String id, Function function) {}

    record Function(int index, String name, JsonNode arguments) {}

    /** @param topLogprobs null if none are requested */
    @JsonInclude(JsonInclude.Include.NON_NULL)
    record Logprob(
            String token,
            double logprob,
            List<Integer> bytes,
            @JsonProperty("top_logprobs") @Nullable List<Logprob> topLogprobs) {}

    /**
     * One line of a response, or a non-streaming response. Chat uses {@code message}, generate uses {@code response}
     * and {@code thinking}.
     */
    @JsonInclude(JsonInclude.Include.NON_NULL)
    record Line(
            String model,
            @JsonProperty("created_at") String createdAt,
            @Nullable ChatMessage message,
            @Nullable String response,
            @Nullable String thinking,
            boolean done,
            @JsonProperty("done_reason") @Nullable String doneReason,
            @Nullable List<Logprob> logprobs,
            @Nullable List<Integer> context,
            @JsonProperty("total_duration") @Nullable Long totalDuration,
            @JsonProperty("load_duration") @Nullable Long loadDuration,
            @JsonProperty("prompt_eval_count") @Nullable Integer promptEvalCount,
            @JsonProperty("prompt_eval_duration") @Nullable Long promptEvalDuration,
            @JsonProperty("eval_count") @Nullable Integer evalCount,
            @JsonProperty("eval_duration") @Nullable Long evalDuration) {}

    /** Durations and count are null if there is no input. */
    @JsonInclude(JsonInclude.Include.NON_NULL)
    record Embeddings(
            String model,
            List<List<Float>> embeddings,
            @JsonProperty("total_duration") @Nullable Long totalDuration,
            @JsonProperty("load_duration") @Nullable Long loadDuration,
            @JsonProperty("prompt_eval_count") @Nullable Integer promptEvalCount) {}

    static byte[] json(Object value) {
        return MAPPER.writeValueAsBytes(value);
    }

    static byte[] line(Object value) {
        return (MAPPER.writeValueAsString(value) + "\n").getBytes(StandardCharsets.UTF_8);
    }

    /** Formats a time as Go does: without trailing zeros. */
    static String time(Instant instant) {
        String text = instant.toString();
        if (text.indexOf('.') < 0) {
            return text;
        }
        int end = text.length() - 1;
        while (text.charAt(end - 1) == '0') {
            end--;
        }
        return text.substring(0, end) + "Z";
    }

    /** Go's additional escapes, for safety in HTML. */
    private static final class GoEscapes extends CharacterEscapes {

        private static final long serialVersionUID = 1L;

        private final int[] ascii = standardAsciiEscapesForJSON();

        GoEscapes() {
            ascii['<'] = ESCAPE_STANDARD;
            ascii['>'] = ESCAPE_STANDARD;
            ascii['&'] = ESCAPE_STANDARD;
        }

        @Override
        public int[] getEscapeCodesForAscii() {
            return ascii.clone();
        }

        @Override
        public @Nullable SerializableString getEscapeSequence(int codePoint) {
            return switch (codePoint) {
                case 0x2028 -> new SerializedString("\\u2028");
                case 0x2029 -> new SerializedString("\\u2029");
                default -> null;
            };
        }
    }
}
