/**
 * A simulated Ollama without a model: used where no Ollama is installed, and for faults in tests. Shares no code with
 * the client, so that a mistake in one is not hidden by the other.
 */
@NullMarked
package dev.localllm.ollama.simulator;

import org.jspecify.annotations.NullMarked;
