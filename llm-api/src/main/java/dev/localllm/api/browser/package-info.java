/** Limits which web pages may call, by their origin and by the host that they name. */
@NullMarked
package dev.localllm.api.browser;

import org.jspecify.annotations.NullMarked;
