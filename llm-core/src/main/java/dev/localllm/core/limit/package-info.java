/** How often each client may ask: pure state, and the time comes in. */
@NullMarked
package dev.localllm.core.limit;

import org.jspecify.annotations.NullMarked;
