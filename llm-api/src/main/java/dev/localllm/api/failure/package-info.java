/** Failures as responses: one mapping, used before the first byte and after it, in each wire's own format. */
@NullMarked
package dev.localllm.api.failure;

import org.jspecify.annotations.NullMarked;
