/** How many generations may run at once: pure state, without threads and streams. */
@NullMarked
package dev.localllm.core.admission;

import org.jspecify.annotations.NullMarked;
