/** Sends chat responses of any wire, streaming and non-streaming: timeouts, heartbeats, buffers, budgets. */
@NullMarked
package dev.localllm.api.stream;

import org.jspecify.annotations.NullMarked;
