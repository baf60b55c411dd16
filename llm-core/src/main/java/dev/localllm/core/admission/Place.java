package dev.localllm.core.admission;

import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * What a request without an answer waits for.
 *
 * @param position among the requests that wait for the same model: 1 for the next one; 0 if the request has its permit,
 *     and only waits for the load
 * @param expectedWait until the request gets its permit; null if unknown
 * @param loading true while the model server loads the model
 */
public record Place(int position, @Nullable Duration expectedWait, boolean loading) {}
