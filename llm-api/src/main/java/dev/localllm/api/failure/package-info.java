/** Maps failures to responses: one mapping for error responses and error frames, one format per wire. */
@NullMarked
package dev.localllm.api.failure;

import org.jspecify.annotations.NullMarked;
