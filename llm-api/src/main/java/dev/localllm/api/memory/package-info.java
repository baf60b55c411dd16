/** Bounds what all requests together hold in memory. */
@NullMarked
package dev.localllm.api.memory;

import org.jspecify.annotations.NullMarked;
