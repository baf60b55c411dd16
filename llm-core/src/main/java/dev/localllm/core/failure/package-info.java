/** All expected failures, as values. Entry point: {@link dev.localllm.core.failure.LlmFailure}. */
@NullMarked
package dev.localllm.core.failure;

import org.jspecify.annotations.NullMarked;
