/** Who asks, and how often: the identity that is charged, and what the rate limit says to it. */
@NullMarked
package dev.localllm.api.client;

import org.jspecify.annotations.NullMarked;
