/** The two formats of the log: text for readers, ECS for programs. */
@NullMarked
package dev.localllm.api.logging;

import org.jspecify.annotations.NullMarked;
