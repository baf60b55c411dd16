package dev.localllm.core.failure;

/** The deadline that was exceeded. */
public enum Deadline {
    /** Waiting for a permit. */
    QUEUE,
    /** Connecting to the model server. */
    CONNECT,
    /** The first event, including model load and prompt processing. */
    FIRST_TOKEN,
    /** The next event of a started answer. */
    IDLE,
    /** The complete answer. */
    TOTAL
}
