/**
 * An Ollama with no model behind it: stands in where none is installed, and plays every fault in tests. Shares no
 * code with the client, so that neither can hide the other's mistake.
 */
@NullMarked
package dev.localllm.ollama.simulator;

import org.jspecify.annotations.NullMarked;
