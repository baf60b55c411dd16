/** What comes before every use of a model: the charge of the client, and the wait for a permit. */
@NullMarked
package dev.localllm.core.access;

import org.jspecify.annotations.NullMarked;
