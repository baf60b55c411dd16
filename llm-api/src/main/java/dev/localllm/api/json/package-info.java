/** Reads and writes JSON, for all wires. */
@NullMarked
package dev.localllm.api.json;

import org.jspecify.annotations.NullMarked;
