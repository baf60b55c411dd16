package dev.localllm.api.request;

import dev.localllm.core.admission.Receipt;
import dev.localllm.core.catalog.ModelId;
import dev.localllm.core.chat.ChatEvent.Finished;
import dev.localllm.core.limit.ClientId;
import java.time.Duration;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * How one request ended. Holds no text of prompts and answers.
 *
 * @param path as the client sent it, without the query; its length is not limited
 * @param operation what the request was to do with a model, whatever became of it; null if it was for no model, or was
 *     refused before its route was reached
 * @param model the resolved model; null if the request failed before it entered the queue. It may have failed later
 * @param status of the response; null if no response was started
 * @param end {@code done}, {@code client_gone}, {@code client_slow}, or the code of the failure that the client got
 * @param detail more about the failure, for the log only; null if there is no more
 * @param untilResolved from the start until the model was resolved; null if it was not
 * @param untilFirstEvent from the resolved model to the first event; null if there was none
 * @param total from the start to the end of the request
 * @param events number of events that came from the model server
 * @param ignoredFields names of the request's fields that had no effect, bounded; null for none
 * @param schemaMismatch how the answer differs from the schema of the request; null if it doesn't, or if there is none
 * @param receipt null if the request did not enter the queue
 * @param finished null if the generation was not completed
 */
public record RequestEnd(
        String id,
        ClientId client,
        String method,
        String path,
        @Nullable Operation operation,
        @Nullable ModelId model,
        @Nullable Integer status,
        String end,
        @Nullable String detail,
        @Nullable Duration untilResolved,
        @Nullable Duration untilFirstEvent,
        Duration total,
        int events,
        @Nullable String ignoredFields,
        @Nullable String schemaMismatch,
        @Nullable Receipt receipt,
        @Nullable Finished finished) {

    private static final Set<String> ABORTED = Set.of("client_gone", "client_slow");

    /** How a request ended, in short. */
    public enum Outcome {
        ANSWERED,
        /** Ended by this server before it sent anything to the model server. */
        REFUSED,
        /** Ended by a failure after that. */
        FAILED,
        /** Ended by its client. */
        ABORTED
    }

    public Outcome outcome() {
        if (ABORTED.contains(end)) {
            return Outcome.ABORTED;
        }
        if (end.equals("done")) {
            return Outcome.ANSWERED;
        }
        return isStarted() ? Outcome.FAILED : Outcome.REFUSED;
    }

    /** True if the load of a model or the generation has started. */
    public boolean isStarted() {
        return receipt != null && receipt.started();
    }
}
