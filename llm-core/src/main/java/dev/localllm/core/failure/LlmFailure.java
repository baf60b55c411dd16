package dev.localllm.core.failure;

import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * An expected failure: made once, at the boundary where it arises, and carried to the caller by an
 * {@link LlmException}. How each looks on a wire is the business of that wire.
 */
public sealed interface LlmFailure {

    /** One sentence for the caller. Never holds a prompt or an answer. */
    String message();

    /**
     * The request can't be served as it is written.
     *
     * @param field path of the field at fault as the caller wrote it, or null when it can't be told
     */
    record InvalidRequest(@Nullable String field, String message) implements LlmFailure {}

    /** The model isn't there, or callers may not use it. */
    record UnknownModel(String model) implements LlmFailure {
        @Override
        public String message() {
            return "The model '" + model + "' does not exist or is not allowed here.";
        }
    }

    /** The model is there but can't do what was asked of it (chat, thinking, tools, images). */
    record UnsupportedByModel(String model, String message) implements LlmFailure {}

    /** Prompt and history don't fit the model's context; nothing was cut off and nothing generated. */
    record ContextLengthExceeded(String message) implements LlmFailure {}

    /** The model server can't be reached or takes no more work at the moment. */
    record UpstreamUnavailable(String message) implements LlmFailure {}

    /** The answer, or the next piece of it, was not there in time. */
    record DeadlineExceeded(Deadline deadline, String message) implements LlmFailure {}

    /** The server works on as many answers as it may. */
    record Overloaded(String message) implements LlmFailure {}

    /**
     * The caller, or all callers together, asked for more answers than the rate limit allows.
     *
     * @param retryAfter how long until the same request will be let through, if nobody else takes its place
     */
    record RateLimited(Duration retryAfter) implements LlmFailure {
        @Override
        public String message() {
            return "Rate limit reached. Try again in " + retryAfter.toMillis() + " ms.";
        }
    }

    /** The server stops; the answer was cut off or not begun. */
    record ShuttingDown() implements LlmFailure {
        @Override
        public String message() {
            return "The server is shutting down.";
        }
    }

    /** The model server says that it failed, before the answer or in the middle of it. */
    record UpstreamFailed(String message) implements LlmFailure {}

    /** What arrived is not an answer: garbage, or a stream that ends without saying that it is done. */
    record UpstreamProtocol(String message) implements LlmFailure {}
}
