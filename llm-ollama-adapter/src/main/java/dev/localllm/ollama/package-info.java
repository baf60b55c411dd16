/**
 * The client of Ollama's API. Entry point: {@link dev.localllm.ollama.Ollama}. The wire records are private to this
 * package.
 */
@NullMarked
package dev.localllm.ollama;

import org.jspecify.annotations.NullMarked;
