/** Netty handlers for client connections: malformed requests, slow clients, HTTP/1.0, bodies of refused requests. */
@NullMarked
package dev.localllm.api.connection;

import org.jspecify.annotations.NullMarked;
