package dev.localllm.api.openai;

import com.fasterxml.jackson.annotation.JsonInclude;
import dev.localllm.api.json.JsonTextSerializer;
import dev.localllm.core.admission.Receipt;
import dev.localllm.core.chat.ChatEvent.Finished;
import dev.localllm.core.chat.FinishReason;
import dev.localllm.core.chat.JsonText;
import dev.localllm.core.chat.Part;
import dev.localllm.core.chat.TokenLogprob;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.json.JsonFactory;
import tools.jackson.core.util.JsonRecyclerPools;
import tools.jackson.databind.MapperFeature;
import tools.jackson.databind.PropertyNamingStrategies;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.module.SimpleModule;

/**
 * Writes the records of OpenAI's wire. Fields have the names of the record's components in snake case, and their order.
 * {@link JsonText} is copied without escaping it again.
 */
public final class OpenAiJson {

    /**
     * OpenAI's usage, and durations in seconds.
     *
     * @param promptTokensDetails null if the model server tells nothing about its cache
     * @param queueTime in this server's queue
     * @param loadTime until the model was loaded
     * @param promptTime processing the prompt
     * @param completionTime generating all tokens
     */
    public record Usage(
            int promptTokens,
            int completionTokens,
            int totalTokens,

            @JsonInclude(JsonInclude.Include.NON_NULL) @Nullable
            PromptTokensDetails promptTokensDetails,

            double queueTime,
            double loadTime,
            double promptTime,
            double completionTime) {
        /** The usage of an answer. */
        public static Usage of(Finished end, Receipt receipt) {
            dev.localllm.core.chat.Usage usage = end.usage();
            Integer cached = usage.cachedPromptTokens();
            return new Usage(
                    usage.promptTokens(),
                    usage.completionTokens(),
                    usage.totalTokens(),
                    cached == null ? null : new PromptTokensDetails(cached),
                    seconds(receipt.queued()),
                    seconds(receipt.loading().plus(end.timings().load())),
                    seconds(end.timings().prompt()),
                    seconds(end.timings().generation()));
        }

        private static double seconds(Duration time) {
            return time.toMillis() / 1000.0;
        }
    }

    /** A part of {@link Usage}. */
    public record PromptTokensDetails(int cachedTokens) {}

    /**
     * A complete tool call.
     *
     * @param index null except in streams
     */
    public record ToolCall(
            @JsonInclude(JsonInclude.Include.NON_NULL) @Nullable
            Integer index,

            JsonText id,
            String type,
            CalledFunction function) {
        /** The call, with its index in a stream. */
        public static ToolCall of(Part.ToolCall call, @Nullable Integer index) {
            return new ToolCall(
                    index,
                    JsonText.of(call.id()),
                    "function",
                    new CalledFunction(JsonText.of(call.function()), JsonText.of(call.arguments())));
        }
    }

    /**
     * Log probabilities of tokens.
     *
     * @param refusal always null
     */
    public record Logprobs(List<Logprob> content, @Nullable String refusal) {
        /** Those of the tokens. */
        public static Logprobs of(List<TokenLogprob> tokens) {
            return new Logprobs(tokens.stream().map(Logprob::of).toList(), null);
        }
    }

    /** The log probability of a token. */
    public record Logprob(JsonText token, double logprob, List<Integer> bytes, List<Alternative> topLogprobs) {
        /** That of the token. */
        public static Logprob of(TokenLogprob token) {
            return new Logprob(
                    JsonText.of(token.token()),
                    token.logprob(),
                    token.bytes(),
                    token.alternatives().stream().map(Alternative::of).toList());
        }
    }

    /** Another token at the same place. */
    public record Alternative(JsonText token, double logprob, List<Integer> bytes) {
        private static Alternative of(TokenLogprob token) {
            return new Alternative(JsonText.of(token.token()), token.logprob(), token.bytes());
        }
    }

    /** A part of {@link ToolCall}. */
    public record CalledFunction(JsonText name, JsonText arguments) {}

    private static final JsonMapper MAPPER = JsonMapper.builder(JsonFactory.builder()
                    .recyclerPool(JsonRecyclerPools.threadLocalPool())
                    .build())
            .disable(MapperFeature.SORT_PROPERTIES_ALPHABETICALLY)
            .propertyNamingStrategy(PropertyNamingStrategies.SNAKE_CASE)
            .addModule(new SimpleModule().addSerializer(JsonText.class, new JsonTextSerializer()))
            .build();

    private OpenAiJson() {}

    /** The wire's name of the reason. */
    public static String of(FinishReason reason) {
        return switch (reason) {
            case STOP -> "stop";
            case LENGTH -> "length";
            case TOOL_CALLS -> "tool_calls";
        };
    }

    /** The value as JSON in UTF-8. */
    public static byte[] bytes(Object value) {
        return MAPPER.writeValueAsBytes(value);
    }

    /**
     * The value's JSON in UTF-8, in pieces, with encoded JSON in each of the fields.
     *
     * @param fields as for {@link #around}
     * @param values one per field, in pieces; not copied, so don't write to them afterwards
     */
    public static List<ByteBuffer> filled(Object value, List<String> fields, List<List<ByteBuffer>> values) {
        byte[][] around = around(value, fields.toArray(String[]::new));
        List<ByteBuffer> json = new ArrayList<>();
        for (int i = 0; i < values.size(); i++) {
            json.add(ByteBuffer.wrap(around[i]));
            json.addAll(values.get(i));
        }
        json.add(ByteBuffer.wrap(around[values.size()]));
        return json;
    }

    /**
     * Splits the value's JSON inside each of the fields, so that encoded JSON can be inserted there. Returns UTF-8
     * pieces, one more than fields.
     *
     * @param fields each has an empty string or array as its value; in their order in the record
     */
    public static byte[][] around(Object value, String... fields) {
        byte[] json = MAPPER.writeValueAsBytes(value);
        String latin1 = new String(json, StandardCharsets.ISO_8859_1); // one character per byte
        byte[][] pieces = new byte[fields.length + 1][];
        int from = 0;
        for (int i = 0; i < fields.length; i++) {
            String name = '"' + fields[i] + "\":"; // can't be inside a string: quotes are escaped there
            int cut = latin1.indexOf(name, from) + name.length() + 1;
            pieces[i] = Arrays.copyOfRange(json, from, cut);
            from = cut;
        }
        pieces[fields.length] = Arrays.copyOfRange(json, from, json.length);
        return pieces;
    }
}
