package dev.localllm.api.request;

/** What a request asks of a model. */
public enum Operation {
    /** An answer to messages. */
    CHAT,
    /** The continuation of a text. */
    TEXT_COMPLETION,
    EMBEDDINGS
}
