/** {@code POST /v1/chat/completions}. */
@NullMarked
package dev.localllm.api.openai.chat;

import org.jspecify.annotations.NullMarked;
