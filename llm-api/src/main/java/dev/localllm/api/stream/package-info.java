/** What every response to a chat has, streamed or whole, whatever its format. */
@NullMarked
package dev.localllm.api.stream;

import org.jspecify.annotations.NullMarked;
