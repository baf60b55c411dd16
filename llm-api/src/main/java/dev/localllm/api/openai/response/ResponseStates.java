package dev.localllm.api.openai.response;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonUnwrapped;
import dev.localllm.api.failure.FailureResponse;
import dev.localllm.api.openai.CompletionMetadata;
import dev.localllm.api.openai.OpenAiJson;
import dev.localllm.core.admission.Queued;
import dev.localllm.core.chat.ChatEvent.Finished;
import dev.localllm.core.chat.FinishReason;
import dev.localllm.core.chat.JsonText;
import java.util.List;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * The response object of one answer, in each of its states, without its output.
 *
 * <pre>{@code
 * {"id":"resp_1","object":"response","created_at":1,"status":"completed","model":"m","error":null,
 *   "incomplete_details":null,"output":[],"usage":{"input_tokens":3,"output_tokens":4,"total_tokens":7},
 *   "previous_response_id":null,"store":false,"truncation":"disabled","instructions":"Be brief."}
 * }</pre>
 */
final class ResponseStates {

    /**
     * The response.
     *
     * @param output always empty: a place for the JSON of {@link Output}
     * @param usage null until the answer is complete
     * @param schemaMismatch null if the answer matches its schema
     */
    record Response(
            String id,
            String object,
            long createdAt,
            String status,
            JsonText model,
            @Nullable Failure error,
            @Nullable Incomplete incompleteDetails,
            List<Object> output,
            @Nullable Usage usage,
            @Nullable String previousResponseId,
            boolean store,
            String truncation,

            @JsonInclude(JsonInclude.Include.NON_NULL) @Nullable
            JsonText schemaMismatch,

            @JsonUnwrapped Echo echo) {}

    record Failure(String code, JsonText message) {}

    record Incomplete(String reason) {}

    /** OpenAI's usage, and the durations that chat's has. */
    record Usage(
            int inputTokens,
            InputDetails inputTokensDetails,
            int outputTokens,
            OutputDetails outputTokensDetails,
            int totalTokens,
            double queueTime,
            double loadTime,
            double promptTime,
            double completionTime) {}

    /**
     * OpenAI's SDKs demand both numbers.
     *
     * @param cachedTokens 0 if it is unknown
     * @param cacheWriteTokens always 0: OpenAI charges for them
     */
    record InputDetails(int cachedTokens, int cacheWriteTokens) {}

    /** @param reasoningTokens always 0: the model server doesn't count them apart, but OpenAI's SDKs demand a number */
    record OutputDetails(int reasoningTokens) {}

    static final String ID_PREFIX = "resp_";

    private final CompletionMetadata metadata;
    private final Echo echo;
    private final Queued queued;
    private final Supplier<@Nullable String> schemaMismatch;

    /** @param schemaMismatch null if the answer matches its schema; asked for at the end of the answer */
    ResponseStates(CompletionMetadata metadata, Echo echo, Queued queued, Supplier<@Nullable String> schemaMismatch) {
        this.metadata = metadata;
        this.echo = echo;
        this.queued = queued;
        this.schemaMismatch = schemaMismatch;
    }

    /** Makes the ids of the response's items unique. */
    String idSuffix() {
        return metadata.id().substring(ID_PREFIX.length());
    }

    Response inProgress() {
        return response("in_progress", null, null, null, null);
    }

    Response finished(Finished end) {
        boolean cut = end.reason() == FinishReason.LENGTH;
        return response(
                cut ? "incomplete" : "completed",
                null,
                cut ? new Incomplete("max_output_tokens") : null,
                usage(OpenAiJson.Usage.of(end, queued.receipt())),
                schemaMismatch.get());
    }

    Response failed(FailureResponse failure) {
        return response("failed", new Failure(failure.code(), JsonText.of(failure.message())), null, null, null);
    }

    private Response response(
            String status,
            @Nullable Failure error,
            @Nullable Incomplete incomplete,
            @Nullable Usage usage,
            @Nullable String mismatch) {
        return new Response(
                metadata.id(),
                "response",
                metadata.created(),
                status,
                JsonText.of(metadata.model().value()),
                error,
                incomplete,
                List.of(),
                usage,
                null,
                false,
                "disabled",
                Echo.text(mismatch),
                echo);
    }

    private static Usage usage(OpenAiJson.Usage usage) {
        OpenAiJson.PromptTokensDetails cached = usage.promptTokensDetails();
        return new Usage(
                usage.promptTokens(),
                new InputDetails(cached == null ? 0 : cached.cachedTokens(), 0),
                usage.completionTokens(),
                new OutputDetails(0),
                usage.totalTokens(),
                usage.queueTime(),
                usage.loadTime(),
                usage.promptTime(),
                usage.completionTime());
    }
}
