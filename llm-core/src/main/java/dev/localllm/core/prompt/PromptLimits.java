package dev.localllm.core.prompt;

import dev.localllm.core.failure.LlmException;
import dev.localllm.core.failure.LlmFailure.InvalidRequest;

/**
 * Size limits of one chat.
 *
 * @param maxMessages maximum number of messages
 * @param maxCharacters maximum of UTF-16 code units in all its text, as {@code ChatRequest} counts them
 */
public record PromptLimits(int maxMessages, int maxCharacters) {

    public PromptLimits {
        if (maxMessages < 1 || maxCharacters < 1) {
            throw new IllegalArgumentException(
                    "limits: " + maxMessages + ", " + maxCharacters + " (expected: 1 or more of each)");
        }
    }

    /**
     * Throws an {@link LlmException} with {@link InvalidRequest} if a limit is exceeded; its message has the limit and
     * the actual value.
     */
    public void check(int messages, long characters) {
        refuse(messages > maxMessages, messages, maxMessages, "messages");
        refuse(characters > maxCharacters, characters, maxCharacters, "characters in all messages together");
    }

    private static void refuse(boolean refused, long actual, int limit, String unit) {
        if (refused) {
            throw new LlmException(new InvalidRequest(
                    "messages", "messages: " + actual + " " + unit + " (expected: at most " + limit + ")"));
        }
    }
}
