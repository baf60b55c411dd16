/**
 * What is true of every model server that streams over HTTP: connections, deadlines, circuits, the end of an exchange.
 * {@link dev.localllm.upstream.Upstream} is the door. Knows no protocol of any server.
 */
@NullMarked
package dev.localllm.upstream;

import org.jspecify.annotations.NullMarked;
