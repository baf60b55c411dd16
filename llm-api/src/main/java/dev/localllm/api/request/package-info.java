/** One request from its id to the one value that tells how it ended. */
@NullMarked
package dev.localllm.api.request;

import org.jspecify.annotations.NullMarked;
