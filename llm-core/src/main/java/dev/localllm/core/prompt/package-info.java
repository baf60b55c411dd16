/** The prompts of the catalogue, the configured system prompt, and the size limits of a chat. */
@NullMarked
package dev.localllm.core.prompt;

import org.jspecify.annotations.NullMarked;
