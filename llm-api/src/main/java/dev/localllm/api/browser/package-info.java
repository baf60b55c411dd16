/** Limits which web pages may call the server, by the Origin and Host headers. */
@NullMarked
package dev.localllm.api.browser;

import org.jspecify.annotations.NullMarked;
