/** JSON as every wire reads and writes it. */
@NullMarked
package dev.localllm.api.json;

import org.jspecify.annotations.NullMarked;
