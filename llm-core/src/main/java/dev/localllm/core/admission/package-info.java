/** Limits concurrent generations. Pure state, without threads and streams. */
@NullMarked
package dev.localllm.core.admission;

import org.jspecify.annotations.NullMarked;
