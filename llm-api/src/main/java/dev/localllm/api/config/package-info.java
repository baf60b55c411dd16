/** The settings from environment variables, and the composition root. */
@NullMarked
package dev.localllm.api.config;

import org.jspecify.annotations.NullMarked;
