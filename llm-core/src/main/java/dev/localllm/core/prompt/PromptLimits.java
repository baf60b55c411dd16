package dev.localllm.core.prompt;

import dev.localllm.core.failure.LlmException;
import dev.localllm.core.failure.LlmFailure.InvalidRequest;

/**
 * Size limits of one request.
 *
 * @param maxMessages maximum number of messages of a chat
 * @param maxCharacters maximum of UTF-16 code units in all its text, as {@code GenerationRequest} counts them
 */
public record PromptLimits(int maxMessages, int maxCharacters) {

    public PromptLimits {
        if (maxMessages < 1 || maxCharacters < 1) {
            throw new IllegalArgumentException(
                    "limits: " + maxMessages + ", " + maxCharacters + " (expected: 1 or more of each)");
        }
    }

    /**
     * Checks a chat. Throws an {@link LlmException} with {@link InvalidRequest} if a limit is exceeded; its message has
     * the limit and the actual value.
     */
    public void check(int messages, long characters) {
        refuse("messages", messages > maxMessages, messages, maxMessages, "messages");
        refuse(
                "messages",
                characters > maxCharacters,
                characters,
                maxCharacters,
                "characters in all messages together");
    }

    /** Checks a text without roles, as {@link #check} does a chat. */
    public void checkText(long characters) {
        refuse("prompt", characters > maxCharacters, characters, maxCharacters, "characters, with the suffix");
    }

    private static void refuse(String field, boolean refused, long actual, int limit, String unit) {
        if (refused) {
            throw new LlmException(new InvalidRequest(
                    field, field + ": " + actual + " " + unit + " (expected: at most " + limit + ")"));
        }
    }
}
