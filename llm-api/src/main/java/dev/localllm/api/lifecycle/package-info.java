/** The end of the server. */
@NullMarked
package dev.localllm.api.lifecycle;

import org.jspecify.annotations.NullMarked;
