/** Limits the request rate of each client. Pure state; the clock is passed in. */
@NullMarked
package dev.localllm.core.limit;

import org.jspecify.annotations.NullMarked;
