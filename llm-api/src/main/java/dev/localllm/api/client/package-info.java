/** Who is charged for a request, and how the log tells clients apart. */
@NullMarked
package dev.localllm.api.client;

import org.jspecify.annotations.NullMarked;
