/** The models of the model server, and which of them callers may use. */
@NullMarked
package dev.localllm.core.catalog;

import org.jspecify.annotations.NullMarked;
