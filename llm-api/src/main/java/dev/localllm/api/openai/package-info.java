/** OpenAI's wire, as its SDKs use it: what its routes share, {@code /v1/models} and {@code /v1/prompts}. Each other route has a package. */
@NullMarked
package dev.localllm.api.openai;

import org.jspecify.annotations.NullMarked;
