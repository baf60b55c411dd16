/** What every streamed response has, whatever its format. */
@NullMarked
package dev.localllm.api.stream;

import org.jspecify.annotations.NullMarked;
