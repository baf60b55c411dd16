/** OpenAI's wire, as its SDKs use it: {@code /v1/chat/completions} and {@code /v1/models}. */
@NullMarked
package dev.localllm.api.openai;

import org.jspecify.annotations.NullMarked;
