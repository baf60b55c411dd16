package dev.localllm.upstream;

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

/** What a failure counts against. */
enum Blame {
    /** The server can't be reached. */
    SERVER,
    /** The server was reached, and this model failed, is too slow or takes no more work. */
    MODEL,
    /** A refusal: server and model work. */
    CALLER,
    /** Our own limits and mistakes, which say nothing of server and model. */
    NONE;

    /** Of a failure that the server told, or of a deadline that it missed; the network's faults are judged elsewhere. */
    static Blame of(LlmFailure failure) {
        return switch (failure) {
            case UpstreamUnavailable f -> MODEL; // it was reached, but the queue in front of the model is full
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
