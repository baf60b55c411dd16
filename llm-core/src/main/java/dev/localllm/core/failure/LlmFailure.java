package dev.localllm.core.failure;

import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * An expected failure: made once, at the boundary where it arises, and carried to the caller by an
 * {@link LlmException}. How each looks on a wire is the business of that wire.
 */
public sealed interface LlmFailure {

    /**
     * One sentence for the caller. Never holds a prompt, a response, or the model server's own text beyond what the
     * caller needs to mend the request.
     */
    String message();

    /** What the model server said, for the log only: never for a caller. Null if there is no more to say. */
    default @Nullable String detail() {
        return null;
    }

    /**
     * Whether a request that fails by it, before its response has begun, costs its client nothing: there was no capacity
     * for it, whatever it asked for.
     */
    boolean isRefunded();

    /**
     * The request can't be served as it is written.
     *
     * @param field path of the field at fault as the caller wrote it, or null when it can't be told
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

    /** The model isn't there, or callers may not use it. */
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

    /** The model is there but can't do what was asked of it (chat, thinking, tools, images). */
    record UnsupportedByModel(
            String model, String message, @Nullable String detail) implements LlmFailure {
        @Override
        public boolean isRefunded() {
            return false;
        }
    }

    /** Prompt and history don't fit the model's context; nothing was cut off and nothing generated. */
    record ContextLengthExceeded(String message, @Nullable String detail) implements LlmFailure {
        @Override
        public boolean isRefunded() {
            return false;
        }
    }

    /**
     * The model server can't be reached or takes no more work at the moment.
     *
     * @param retryAfter how long nothing will be asked of it, or null where that isn't known
     */
    record UpstreamUnavailable(String detail, @Nullable Duration retryAfter) implements LlmFailure {

        public UpstreamUnavailable(String detail) {
            this(detail, null);
        }

        @Override
        public String message() {
            return "The model server can't be reached or takes no more work at the moment.";
        }

        @Override
        public boolean isRefunded() {
            return true;
        }
    }

    /** The response, or the next piece of it, was not there in time. */
    record DeadlineExceeded(Deadline deadline, String message) implements LlmFailure {
        @Override
        public boolean isRefunded() {
            return false;
        }
    }

    /**
     * This server has no more room for the request.
     *
     * @param charged whether the request counts against its client's rate limit all the same: the client itself took
     *     the room, or the model has worked for it
     */
    record Overloaded(String message, boolean charged) implements LlmFailure {

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
     * @param retryAfter how long until the same request will be let through, if nobody else takes its place
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

    /** The server stops; the response was cut off or not begun. */
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

    /** The model server says that it failed, before the response or in the middle of it. */
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

    /** What arrived is not a response: garbage, or a stream that ends without saying that it is done. */
    record UpstreamProtocol(String detail) implements LlmFailure {
        @Override
        public String message() {
            return "The model server's response is broken.";
        }

        @Override
        public boolean isRefunded() {
            return false;
        }
    }
}
