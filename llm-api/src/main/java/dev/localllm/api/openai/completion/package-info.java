/** {@code POST /v1/completions}. */
@NullMarked
package dev.localllm.api.openai.completion;

import org.jspecify.annotations.NullMarked;
