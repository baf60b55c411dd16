/** Whether the server lives, and whether it can answer. */
@NullMarked
package dev.localllm.api.health;

import org.jspecify.annotations.NullMarked;
