/**
 * Ollama's wire protocol, from the client's side. {@link dev.localllm.ollama.Ollama} is the door; the records of
 * the wire stay in here.
 */
@NullMarked
package dev.localllm.ollama;

import org.jspecify.annotations.NullMarked;
