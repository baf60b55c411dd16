package dev.localllm.api.openai.completion;

import dev.localllm.api.openai.completion.TextLogprobs.Logprobs;
import dev.localllm.core.chat.JsonText;
import org.jspecify.annotations.Nullable;

/**
 * The only choice of a completion, or a part of it in a stream.
 *
 * @param logprobs of the text; null for none
 * @param finishReason null in a stream before the end
 */
record TextChoice(
        JsonText text,
        int index,
        @Nullable Logprobs logprobs,
        @Nullable String finishReason) {

    /** The type of completions and of their chunks. */
    static final String OBJECT = "text_completion";

    TextChoice(JsonText text, @Nullable Logprobs logprobs, @Nullable String finishReason) {
        this(text, 0, logprobs, finishReason);
    }
}
