package dev.localllm.ollama;

import dev.localllm.core.failure.LlmException;
import dev.localllm.core.failure.LlmFailure;
import dev.localllm.core.failure.LlmFailure.ContextLengthExceeded;
import dev.localllm.core.failure.LlmFailure.DeadlineExceeded;
import dev.localllm.core.failure.LlmFailure.InvalidRequest;
import dev.localllm.core.failure.LlmFailure.Overloaded;
import dev.localllm.core.failure.LlmFailure.RateLimited;
import dev.localllm.core.failure.LlmFailure.ShuttingDown;
import dev.localllm.core.failure.LlmFailure.UnknownModel;
import dev.localllm.core.failure.LlmFailure.UnsupportedByModel;
import dev.localllm.core.failure.LlmFailure.UpstreamFailed;
import dev.localllm.core.failure.LlmFailure.UpstreamProtocol;
import dev.localllm.core.failure.LlmFailure.UpstreamUnavailable;
import java.util.concurrent.TimeoutException;

/** What a fault counts against. */
enum Blame {
    /** The server can't be reached. */
    SERVER,
    /** The server was reached, and this model failed, is too slow or takes no more work. */
    MODEL,
    /** A refusal: server and model work. */
    CALLER,
    /** Our own limits and mistakes, which say nothing of server and model. */
    NONE;

    /** @param fault of an exchange, not yet mapped by {@link OllamaFailures#ofThrowable} if it is the network's */
    static Blame of(Throwable fault) {
        return switch (fault) {
            case LlmException e -> ofAnswer(e.failure());
            case TimeoutException e -> NONE; // all of our own connections are in use
            default -> OllamaFailures.ofThrowable(fault) instanceof LlmException e ? ofNetwork(e.failure()) : NONE;
        };
    }

    private static Blame ofNetwork(LlmFailure failure) {
        return failure instanceof UpstreamProtocol ? MODEL : SERVER;
    }

    private static Blame ofAnswer(LlmFailure failure) {
        return switch (failure) {
            case UpstreamUnavailable f -> MODEL; // status 503: the queue in front of the model is full
            case DeadlineExceeded f -> MODEL;
            case UpstreamFailed f -> MODEL;
            case UpstreamProtocol f -> MODEL;
            case InvalidRequest f -> CALLER;
            case UnknownModel f -> CALLER;
            case UnsupportedByModel f -> CALLER;
            case ContextLengthExceeded f -> CALLER;
            case Overloaded f -> NONE;
            case RateLimited f -> NONE;
            case ShuttingDown f -> NONE;
        };
    }
}
