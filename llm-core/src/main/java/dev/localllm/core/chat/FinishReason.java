package dev.localllm.core.chat;

/** The reason why a generation ended. */
public enum FinishReason {
    /** The model ended its answer, or generated a stop sequence. */
    STOP,
    /** The token limit or the end of the context was reached. */
    LENGTH,
    /** The model called tools and waits for their results. */
    TOOL_CALLS
}
