package dev.localllm.upstream;

/** What a failure counts against. */
public enum Blame {
    /** The server can't be reached. */
    SERVER,
    /** The server was reached, and this model failed, is too slow or takes no more work. */
    MODEL,
    /** A refusal: server and model work. */
    CALLER,
    /** Our own limits and mistakes, which say nothing of server and model. */
    NONE
}
