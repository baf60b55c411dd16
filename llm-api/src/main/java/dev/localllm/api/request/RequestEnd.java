package dev.localllm.api.request;

import dev.localllm.core.catalog.ModelId;
import dev.localllm.core.chat.Usage;
import dev.localllm.core.limit.ClientId;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * How one request ended: never a word of a prompt or an answer.
 *
 * @param path as the client wrote it, without the query, of any length
 * @param model that the request resolved to; null if it did not come so far. It may have been refused after that
 * @param status of the response; null if none was begun
 * @param end {@code done}, {@code client_gone}, {@code client_slow}, or the code of the failure that was told
 * @param detail what is known of a failure beyond that, for the log only; null for nothing
 * @param untilAsked from the start until the model was resolved; null if it was not
 * @param untilFirstEvent from then until the first piece of the answer; null if there was none
 * @param total from the start to the end
 * @param events pieces of the answer that came from the model server
 * @param usage null if the answer was not completed
 */
public record RequestEnd(
        String id,
        ClientId client,
        String method,
        String path,
        @Nullable ModelId model,
        @Nullable Integer status,
        String end,
        @Nullable String detail,
        @Nullable Duration untilAsked,
        @Nullable Duration untilFirstEvent,
        Duration total,
        int events,
        @Nullable Usage usage) {}
