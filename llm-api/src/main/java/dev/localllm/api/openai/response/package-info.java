/** {@code POST /v1/responses}. */
@NullMarked
package dev.localllm.api.openai.response;

import org.jspecify.annotations.NullMarked;
