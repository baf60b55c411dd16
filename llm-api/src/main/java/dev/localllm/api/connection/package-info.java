/** Netty handlers of each client's connection: malformed, slow and old HTTP, and bodies that were refused. */
@NullMarked
package dev.localllm.api.connection;

import org.jspecify.annotations.NullMarked;
