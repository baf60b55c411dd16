/** OpenAI's wire: {@code /v1/chat/completions} and {@code /v1/models}, as its SDKs write and read them. */
@NullMarked
package dev.localllm.api.openai;

import org.jspecify.annotations.NullMarked;
