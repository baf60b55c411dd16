/** Which models there are and which of them callers may use. */
@NullMarked
package dev.localllm.core.catalog;

import org.jspecify.annotations.NullMarked;
