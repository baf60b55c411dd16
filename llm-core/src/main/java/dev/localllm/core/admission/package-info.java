/** Shares the GPU between clients: a fair queue for permits. Pure state, without threads and streams. */
@NullMarked
package dev.localllm.core.admission;

import org.jspecify.annotations.NullMarked;
