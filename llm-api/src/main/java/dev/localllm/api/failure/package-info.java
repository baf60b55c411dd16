/** Failures as HTTP: one mapping, used before the first byte and after it. */
@NullMarked
package dev.localllm.api.failure;

import org.jspecify.annotations.NullMarked;
