package dev.localllm.core.failure;

import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * An expected failure. Created once, at the boundary where it occurs, and carried to the wire by an
 * {@link LlmException}. The wire decides how it is shown.
 */
public sealed interface LlmFailure {

    /**
     * One sentence for the caller. Never contains a prompt or an answer. Contains the model server's text only if the
     * caller needs it to correct the request.
     */
    String message();

    /** The model server's text, for the log only, never for a caller. Null if there is none. */
    default @Nullable String detail() {
        return null;
    }

    /**
     * True if the client's charge is refunded when this failure comes before the response has started. True for a lack
     * of capacity, which does not depend on the request.
     */
    boolean isRefunded();

    /**
     * The request is invalid.
     *
     * @param field path of the invalid field, as the caller wrote it; null if unknown
     */
    record InvalidRequest(
            @Nullable String field,
            String message,
            @Nullable String detail) implements LlmFailure {
        public InvalidRequest(@Nullable String field, String message) {
            this(field, message, null);
        }

        @Override
        public boolean isRefunded() {
            return false;
        }
    }

    /** The model doesn't exist, or callers may not use it. */
    record UnknownModel(String model) implements LlmFailure {
        @Override
        public String message() {
            return "The model '" + model + "' does not exist or is not allowed here.";
        }

        @Override
        public boolean isRefunded() {
            return false;
        }
    }

    /** The model exists but does not support a feature of the request: chat, thinking, tools, images. */
    record UnsupportedByModel(
            String model, String message, @Nullable String detail) implements LlmFailure {
        @Override
        public boolean isRefunded() {
            return false;
        }
    }

    /**
     * The prompt exceeds the model's context. It was not truncated, and nothing was generated. The message has OpenAI's
     * words, which clients search for.
     *
     * @param field of the request that has the prompt, as the caller knows it
     * @param promptTokens null if the model server doesn't tell it
     * @param contextTokens null if the model server doesn't tell it
     */
    record ContextLengthExceeded(
            String field,
            @Nullable Integer promptTokens,
            @Nullable Integer contextTokens,
            @Nullable String detail) implements LlmFailure {
        @Override
        public String message() {
            return promptTokens == null || contextTokens == null
                    ? "Your messages exceed this model's maximum context length. Please reduce the length of the messages."
                    : "This model's maximum context length is " + contextTokens
                            + " tokens. However, your messages resulted in " + promptTokens
                            + " tokens. Please reduce the length of the messages.";
        }

        /** The same failure of a request that has its prompt in another field. */
        public ContextLengthExceeded of(String other) {
            return new ContextLengthExceeded(other, promptTokens, contextTokens, detail);
        }

        @Override
        public boolean isRefunded() {
            return false;
        }
    }

    /** An input to embed exceeds the model's context. It was not cut. */
    record InputTooLong(@Nullable String detail) implements LlmFailure {
        @Override
        public String message() {
            return "An input exceeds this model's maximum context length. Please reduce the length of the input.";
        }

        @Override
        public boolean isRefunded() {
            return false;
        }
    }

    /**
     * The model server can't be reached, or takes no more requests at the moment.
     *
     * @param retryAfter time until requests are sent to it again; null if unknown
     */
    record UpstreamUnavailable(String detail, @Nullable Duration retryAfter) implements LlmFailure {

        public UpstreamUnavailable(String detail) {
            this(detail, null);
        }

        @Override
        public String message() {
            return "The model server can't be reached or takes no more requests at the moment.";
        }

        @Override
        public boolean isRefunded() {
            return true;
        }
    }

    /** The answer, or its next event, did not arrive in time. */
    record DeadlineExceeded(Deadline deadline, String message) implements LlmFailure {
        @Override
        public boolean isRefunded() {
            return deadline == Deadline.QUEUE;
        }
    }

    /**
     * This server has no capacity for the request.
     *
     * @param charged true if the request is charged nevertheless: the client itself used the capacity, or the model has
     *     worked for it
     * @param retryAfter expected time until there is capacity; null if unknown
     */
    record Overloaded(
            String message, boolean charged, @Nullable Duration retryAfter) implements LlmFailure {

        public Overloaded(String message, boolean charged) {
            this(message, charged, null);
        }

        public Overloaded(String message) {
            this(message, false);
        }

        @Override
        public boolean isRefunded() {
            return !charged;
        }
    }

    /**
     * The caller, or all callers together, sent more requests than the rate limit allows.
     *
     * @param retryAfter time until the request will be allowed, unless other requests use up the limit first
     */
    record RateLimited(Duration retryAfter) implements LlmFailure {
        @Override
        public String message() {
            return "Rate limit reached. Try again in " + retryAfter.toMillis() + " ms.";
        }

        @Override
        public boolean isRefunded() {
            return false;
        }
    }

    /** The server is stopping; the response was aborted or not started. */
    record ShuttingDown() implements LlmFailure {
        @Override
        public String message() {
            return "The server is shutting down.";
        }

        @Override
        public boolean isRefunded() {
            return true;
        }
    }

    /** The model server reported a failure, before its response or during it. */
    record UpstreamFailed(String detail) implements LlmFailure {
        @Override
        public String message() {
            return "The model server failed.";
        }

        @Override
        public boolean isRefunded() {
            return false;
        }
    }

    /**
     * The answer does not match the JSON schema that the request demands.
     *
     * @param mismatch where and how; without the answer's text
     */
    record SchemaNotHonoured(String mismatch) implements LlmFailure {
        @Override
        public String message() {
            return "The model's answer does not match the requested JSON schema: " + mismatch;
        }

        @Override
        public String detail() {
            return mismatch;
        }

        @Override
        public boolean isRefunded() {
            return false;
        }
    }

    /** The model server's response violates the protocol: invalid content, or an end without the final event. */
    record UpstreamProtocol(String detail) implements LlmFailure {
        @Override
        public String message() {
            return "The model server's response is invalid.";
        }

        @Override
        public boolean isRefunded() {
            return false;
        }
    }
}
