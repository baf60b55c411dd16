/** Graceful shutdown. */
@NullMarked
package dev.localllm.api.lifecycle;

import org.jspecify.annotations.NullMarked;
