/** Netty handlers of each client's connection: malformed, slow and old HTTP. */
@NullMarked
package dev.localllm.api.connection;

import org.jspecify.annotations.NullMarked;
