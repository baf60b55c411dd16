package dev.localllm.core.chat;

/** Why an answer is complete. */
public enum FinishReason {
    /** The model came to its end or met a stop text. */
    STOP,
    /** The answer reached its token limit or the end of the context. */
    LENGTH,
    /** The model waits for the results of the tools it called. */
    TOOL_CALLS
}
