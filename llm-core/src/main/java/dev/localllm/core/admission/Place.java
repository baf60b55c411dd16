package dev.localllm.core.admission;

import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * The place of a request among those that wait for the same model, if nobody else came.
 *
 * @param position 1 for the next request
 * @param expectedWait null as long as no generation has ended, or while the model must be switched to
 */
public record Place(int position, @Nullable Duration expectedWait) {}
