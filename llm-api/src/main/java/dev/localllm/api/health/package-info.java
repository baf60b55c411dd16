/** Liveness and readiness. */
@NullMarked
package dev.localllm.api.health;

import org.jspecify.annotations.NullMarked;
