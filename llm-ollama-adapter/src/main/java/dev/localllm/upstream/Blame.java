package dev.localllm.upstream;

import dev.localllm.core.failure.LlmFailure;
import dev.localllm.core.failure.LlmFailure.ContextLengthExceeded;
import dev.localllm.core.failure.LlmFailure.DeadlineExceeded;
import dev.localllm.core.failure.LlmFailure.InputTooLong;
import dev.localllm.core.failure.LlmFailure.InvalidRequest;
import dev.localllm.core.failure.LlmFailure.Overloaded;
import dev.localllm.core.failure.LlmFailure.RateLimited;
import dev.localllm.core.failure.LlmFailure.SchemaNotHonoured;
import dev.localllm.core.failure.LlmFailure.ShuttingDown;
import dev.localllm.core.failure.LlmFailure.UnknownModel;
import dev.localllm.core.failure.LlmFailure.UnsupportedByModel;
import dev.localllm.core.failure.LlmFailure.UpstreamFailed;
import dev.localllm.core.failure.LlmFailure.UpstreamProtocol;
import dev.localllm.core.failure.LlmFailure.UpstreamUnavailable;

/** Which circuit a failure counts against. */
enum Blame {
    /** The server's circuit: the server can't be reached. */
    SERVER,
    /** The model's circuit: the server was reached, but this model failed, was too slow or takes no more requests. */
    MODEL,
    /** A success for both circuits: the server refused the request, so server and model work. */
    CALLER,
    /** Not counted: our own limits and errors, which say nothing about server and model. */
    NONE;

    /**
     * Judges a failure that the server reported, or a deadline that it missed. {@link NetworkFaults#blame} judges
     * network faults.
     */
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
            case InputTooLong f -> CALLER;
            case SchemaNotHonoured f -> NONE;
            case Overloaded f -> NONE;
            case RateLimited f -> NONE;
            case ShuttingDown f -> NONE;
        };
    }
}
