/** OpenAI's wire, as its SDKs use it: what its routes share, and {@code /v1/models}. Each other route has a package. */
@NullMarked
package dev.localllm.api.openai;

import org.jspecify.annotations.NullMarked;
