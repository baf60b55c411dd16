package dev.localllm.core.failure;

/** What there was not enough time for. */
public enum Deadline {
    /** Opening a connection to the model server. */
    CONNECT,
    /** The first piece of the answer, loading the model and reading the prompt included. */
    FIRST_TOKEN,
    /** The next piece of an answer that had begun. */
    IDLE,
    /** The whole answer. */
    TOTAL
}
