/** Everything that can go wrong for a caller, as values. Start with {@link dev.localllm.core.failure.LlmFailure}. */
@NullMarked
package dev.localllm.core.failure;

import org.jspecify.annotations.NullMarked;
