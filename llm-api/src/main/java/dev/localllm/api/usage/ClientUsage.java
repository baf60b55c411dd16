package dev.localllm.api.usage;

import dev.localllm.api.request.RequestEnd;
import dev.localllm.api.request.RequestEnd.Outcome;
import dev.localllm.core.admission.Receipt;
import dev.localllm.core.chat.ChatEvent.Finished;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Sums over requests that have ended. A request is counted once: it was answered, or it is one of refused, failed and
 * aborted.
 *
 * @param refused ended by this server before it sent anything to the model server
 * @param failed ended by a failure after that
 * @param aborted ended by their client
 * @param promptTokens of complete generations, including cached ones
 * @param cachedTokens prompt tokens from the model server's cache, if it tells them
 * @param completionTokens of complete generations
 * @param gpuTime charged until the ends of the requests
 */
record ClientUsage(
        long requests,
        long refused,
        long failed,
        long aborted,
        long promptTokens,
        long cachedTokens,
        long completionTokens,
        Duration gpuTime) {

    static final ClientUsage NONE = new ClientUsage(0, 0, 0, 0, 0, 0, 0, Duration.ZERO);

    static ClientUsage of(RequestEnd request) {
        Receipt receipt = request.receipt();
        Outcome outcome = request.outcome();
        Finished end = request.finished();
        Integer cached = end == null ? null : end.usage().cachedPromptTokens();
        return new ClientUsage(
                1,
                outcome == Outcome.REFUSED ? 1 : 0,
                outcome == Outcome.FAILED ? 1 : 0,
                outcome == Outcome.ABORTED ? 1 : 0,
                end == null ? 0 : end.usage().promptTokens(),
                cached == null ? 0 : cached,
                end == null ? 0 : end.usage().completionTokens(),
                receipt == null ? Duration.ZERO : receipt.charged());
    }

    /** The sums by their names in JSON. */
    Map<String, Number> named() {
        Map<String, Number> named = new LinkedHashMap<>();
        named.put("requests", requests);
        named.put("refused", refused);
        named.put("failed", failed);
        named.put("aborted", aborted);
        named.put("prompt_tokens", promptTokens);
        named.put("cached_tokens", cachedTokens);
        named.put("completion_tokens", completionTokens);
        named.put("gpu_seconds", gpuTime.toMillis() / 1000.0);
        return named;
    }

    ClientUsage plus(ClientUsage other) {
        return new ClientUsage(
                requests + other.requests,
                refused + other.refused,
                failed + other.failed,
                aborted + other.aborted,
                promptTokens + other.promptTokens,
                cachedTokens + other.cachedTokens,
                completionTokens + other.completionTokens,
                gpuTime.plus(other.gpuTime));
    }
}
