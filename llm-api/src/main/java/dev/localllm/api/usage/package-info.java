/** What clients have used since the start. Entry point: {@link dev.localllm.api.usage.UsageLedger}. */
@NullMarked
package dev.localllm.api.usage;

import org.jspecify.annotations.NullMarked;
