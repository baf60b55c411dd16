/** The server: {@link dev.localllm.api.LlmApplication} starts it. */
@NullMarked
package dev.localllm.api;

import org.jspecify.annotations.NullMarked;
