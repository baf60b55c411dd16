/**
 * The part that all adapters of streaming HTTP model servers share: connections, deadlines, circuits, exchanges. Entry
 * point: {@link dev.localllm.upstream.Upstream}. Knows no server's protocol.
 */
@NullMarked
package dev.localllm.upstream;

import org.jspecify.annotations.NullMarked;
