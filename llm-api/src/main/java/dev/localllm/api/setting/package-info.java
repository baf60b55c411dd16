/** How a setting is declared and read from an environment variable. Knows no particular setting. */
@NullMarked
package dev.localllm.api.setting;

import org.jspecify.annotations.NullMarked;
