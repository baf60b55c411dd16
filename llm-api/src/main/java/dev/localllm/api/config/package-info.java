/** Settings from the environment, and the one place that puts the parts together. */
@NullMarked
package dev.localllm.api.config;

import org.jspecify.annotations.NullMarked;
