/** Limits the memory that all requests together use. */
@NullMarked
package dev.localllm.api.memory;

import org.jspecify.annotations.NullMarked;
