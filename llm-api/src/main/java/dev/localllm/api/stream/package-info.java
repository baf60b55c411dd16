/** What every response to a chat has, streaming or non-streaming, whatever its format. */
@NullMarked
package dev.localllm.api.stream;

import org.jspecify.annotations.NullMarked;
