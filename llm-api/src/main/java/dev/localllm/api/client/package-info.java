/** The client that is charged for a request, and its hash for the log. */
@NullMarked
package dev.localllm.api.client;

import org.jspecify.annotations.NullMarked;
