/** What every request has, whatever it asks: an id, an end, a line in the log, and a client that may stall. */
@NullMarked
package dev.localllm.api.request;

import org.jspecify.annotations.NullMarked;
