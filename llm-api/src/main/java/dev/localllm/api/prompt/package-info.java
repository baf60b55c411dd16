/** The prompt catalogue: files in a folder. */
@NullMarked
package dev.localllm.api.prompt;

import org.jspecify.annotations.NullMarked;
