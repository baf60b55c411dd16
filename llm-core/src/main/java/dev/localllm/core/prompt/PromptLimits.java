package dev.localllm.core.prompt;

import dev.localllm.core.failure.LlmException;
import dev.localllm.core.failure.LlmFailure.InvalidRequest;

/**
 * How much one chat may carry.
 *
 * @param maxMessages messages in one chat
 * @param maxCharacters UTF-16 characters of all its text together, as the request counts them
 */
public record PromptLimits(int maxMessages, int maxCharacters) {

    public PromptLimits {
        if (maxMessages < 1 || maxCharacters < 1) {
            throw new IllegalArgumentException(
                    "limits: " + maxMessages + ", " + maxCharacters + " (expected: 1 or more of each)");
        }
    }

    /** Throws an {@link LlmException} with an {@link InvalidRequest} that says which limit was passed and by how much. */
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
